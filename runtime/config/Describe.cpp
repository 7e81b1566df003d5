// Types and defaults in words, for messages and `--help`.
#include "Text.h"
#include "mlora/Runtime/Config/Arguments.h"

#include <charconv>
#include <cmath>

namespace mlora {

std::string numberText(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::span<const std::string_view> entryKeys(const Key &key) {
  static constexpr std::string_view trained[] = {"path", "task", "split", "limit", "weight", "seed"},
                                    scored[] = {"path", "task", "split", "limit", "seed", "num_fewshot"};
  return key.name == "eval_tasks" ? std::span(scored) : std::span(trained);
}

namespace {

std::string bounds(const Key &key) {
  bool below = std::isfinite(key.least), above = std::isfinite(key.greatest);
  if (below && above)
    return " from " + numberText(key.least) + " to " + numberText(key.greatest);
  return below ? " >= " + numberText(key.least) : "";
}

struct Expectation {
  const Key &key;
  std::string operator()(std::string Config::*) const { return key.choices.empty() ? "text" : choices(); }
  std::string operator()(int64_t Config::*) const {
    return (key.bytes ? "bytes (a whole number, or one with KiB, MiB or GiB)" : "a whole number") +
           bounds(key);
  }
  std::string operator()(uint64_t Config::*) const { return "a whole number" + bounds(key); }
  std::string operator()(double Config::*) const { return "a number" + bounds(key); }
  std::string operator()(std::optional<double> Config::*) const { return "a number" + bounds(key); }
  std::string operator()(bool Config::*) const { return "true or false"; }
  std::string operator()(std::vector<std::string> Config::*) const {
    return key.choices.empty() ? "a list of names" : "a list of " + choices();
  }
  std::string operator()(std::vector<DatasetSpec> Config::*) const {
    return "a list of paths or of {" + joined(entryKeys(key), ", ") + "}";
  }
  std::string choices() const { return "one of " + joined(key.choices, ", "); }
};

struct DefaultText {
  const Config &defaults;
  std::string operator()(std::string Config::*member) const { return defaults.*member; }
  std::string operator()(int64_t Config::*member) const { return std::to_string(defaults.*member); }
  std::string operator()(uint64_t Config::*member) const { return std::to_string(defaults.*member); }
  std::string operator()(double Config::*member) const { return numberText(defaults.*member); }
  std::string operator()(std::optional<double> Config::*) const { return ""; }
  std::string operator()(bool Config::*member) const { return defaults.*member ? "true" : "false"; }
  std::string operator()(std::vector<std::string> Config::*member) const {
    return joined(defaults.*member, ",");
  }
  std::string operator()(std::vector<DatasetSpec> Config::*) const { return ""; }
};

/// Breaks a paragraph into indented lines.
std::string wrapped(const std::string &text, size_t indent, size_t width = 100) {
  std::string result, line(indent, ' ');
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find(' ', begin), text.size());
    if (line.size() > indent && line.size() + end - begin > width) {
      result += line + "\n";
      line.assign(indent, ' ');
    }
    line += (line.size() > indent ? " " : "") + text.substr(begin, end - begin);
    begin = end + 1;
  }
  return line.size() > indent ? result + line + "\n" : result;
}

} // namespace

std::string expectation(const Key &key) { return std::visit(Expectation{key}, key.field); }

std::string defaultText(const Key &key) {
  if (!key.defaultDoc.empty())
    return std::string(key.defaultDoc);
  static const Config defaults;
  return std::visit(DefaultText{defaults}, key.field);
}

std::string helpText(Command command, std::string_view usage, std::string_view summary) {
  std::string text = "usage: mlora-run " + std::string(usage) + "\n\n" + std::string(summary) + "\n\n";
  text += "Keys are given as key=value, --key value or --key=value, or in YAML files: of several the later one wins, over\n"
          "what they `include:` too, and the command line over all.\n\n";
  for (const Key &key : keys()) {
    if (!contains(key.commands, command))
      continue;
    text += std::string(key.name);
    if (!key.aliases.empty())
      text += " (also " + joined(key.aliases, ", ") + ")";
    std::string doc(key.doc);
    doc += (doc.empty() ? "" : "; ") + expectation(key);
    std::string value = defaultText(key);
    if (contains(key.required, command))
      doc += "; required";
    else if (!value.empty())
      doc += "; default: " + value;
    text += "\n" + wrapped(doc, 4);
  }
  return text;
}

} // namespace mlora
