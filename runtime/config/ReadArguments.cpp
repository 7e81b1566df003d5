// The YAML files, then the command line, each from left to right.
#include "Assign.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"

#include <algorithm>
#include <filesystem>

namespace mlora {
namespace {

/// The key of a name; one that is unknown is an error that suggests the nearest.
const Key &require(std::string_view name, const Origin &origin, Command command) {
  if (const Key *key = findKey(name))
    return *key;
  badInput(origin.text() + ": unknown key '" + std::string(name) + "': did you mean '" +
           std::string(nearestKey(name, command)) + "'? (`mlora-run " + std::string(commandName(command)) +
           " --help` lists them)");
}

/// "train, plan or bench": the commands that take a key.
std::string takers(const Key &key) {
  std::vector<std::string> names;
  for (unsigned bit = 1; bit <= unsigned(Command::Inspect); bit <<= 1)
    if (contains(key.commands, Command(bit)))
      names.emplace_back(commandName(Command(bit)));
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + names[i];
  return text;
}

bool isConfigFile(const std::string &word) { return word.ends_with(".yaml") || word.ends_with(".yml"); }

/// `key=value` as opposed to a path that happens to hold an `=`.
bool isAssignment(const std::string &word) {
  size_t equals = word.find('=');
  return equals != std::string::npos && equals > 0 &&
         std::all_of(word.begin(), word.begin() + equals,
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

class CommandLine {
public:
  CommandLine(std::span<const std::string> words, Arguments &result) : words(words), result(result) {}

  /// Options and keys; positional words go where they belong, YAML files into `configs`.
  void read(bool assigning) {
    for (at = 0; at < words.size(); ++at) {
      const std::string &word = words[at];
      if (word == "--help" || word == "-h")
        result.help = true;
      else if (word.starts_with("--") && word.size() > 2)
        option(word.substr(2), assigning);
      else if (isAssignment(word))
        set(word.substr(0, word.find('=')), word.substr(word.find('=') + 1), assigning);
      else if (!assigning)
        positional(word);
    }
  }

  std::vector<std::string> configs;

private:
  void option(const std::string &text, bool assigning) {
    if (size_t equals = text.find('='); equals != std::string::npos)
      return set(text.substr(0, equals), text.substr(equals + 1), assigning);
    const Key &key = require(text, Origin{}, result.command);
    bool more = at + 1 < words.size();
    if (std::holds_alternative<bool Config::*>(key.field)) {
      // A flag takes a value only when one follows that could be nothing else.
      static constexpr std::string_view values[] = {"true", "false", "yes", "no", "on", "off", "1", "0"};
      bool valued = more && std::ranges::find(values, words[at + 1]) != std::end(values);
      return set(text, valued ? words[++at] : "true", assigning);
    }
    if (!more)
      badInput("command line: --" + text + " needs a value: " + expectation(key));
    set(text, words[++at], assigning);
  }

  void set(const std::string &name, const std::string &value, bool assigning) {
    const Key &key = require(name, Origin{}, result.command);
    if (!contains(key.commands, result.command)) {
      // `data` shows what `train` would consume: the words of one serve the other.
      if (result.command == Command::Data && contains(key.commands, Command::Train))
        return;
      badInput("command line: " + name + " is a key of " + takers(key) + ", not of `" +
               std::string(commandName(result.command)) + "`: leave it out");
    }
    if (!assigning)
      return;
    assignText(key, value, result.config);
    result.given[key.name] = Origin{};
  }

  void positional(const std::string &word) {
    if (word.starts_with("-") && word.size() > 1)
      badInput("command line: '" + word + "' is no option: keys are written key=value or --key value");
    (isConfigFile(word) ? configs : result.words).push_back(word);
  }

  std::span<const std::string> words;
  Arguments &result;
  size_t at = 0;
};

} // namespace

static void readYamlFile(const std::string &text, const std::string &file, Arguments &arguments, int depth);

/// `include: other.yaml` or a list (beside this file) is read first, in order; what this file says wins.
static void readIncluded(const YAML::Node &value, const std::string &file, Arguments &arguments, int depth) {
  Origin origin{file, value.Mark().line + 1};
  if (value.IsSequence()) {
    for (const YAML::Node &one : value)
      if (one.IsScalar())
        readIncluded(one, file, arguments, depth);
      else
        badInput(origin.text() + ": include: expected names of files");
    return;
  }
  if (!value.IsScalar())
    badInput(origin.text() + ": include: expected the name of a file, or a list of them");
  constexpr int deepest = 8;
  if (depth >= deepest)
    badInput(origin.text() + ": include: files are included in a circle, or more than " +
             std::to_string(deepest) + " deep");
  std::string path = (std::filesystem::path(file).parent_path() / value.Scalar()).string();
  readYamlFile(readFile(path), path, arguments, depth + 1);
}

void readYaml(const std::string &text, const std::string &file, Arguments &arguments) {
  readYamlFile(text, file, arguments, 0);
}

static void readYamlFile(const std::string &text, const std::string &file, Arguments &arguments, int depth) {
  YAML::Node root;
  try {
    std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      badInput(file + ": expected one YAML document, got " + std::to_string(documents.size()));
    if (!documents.empty())
      root = documents[0];
  } catch (const YAML::Exception &error) {
    badInput(file + ":" + std::to_string(error.mark.line + 1) + ": not YAML: " + error.msg);
  }
  if (root.IsNull())
    return;
  if (!root.IsMap())
    badInput(file + ":" + std::to_string(root.Mark().line + 1) + ": expected keys and values (`key: value`)");
  if (YAML::Node included = root["include"])
    readIncluded(included, file, arguments, depth);
  std::map<std::string_view, Origin> seen;
  for (const auto &entry : root) {
    Origin origin{file, entry.first.Mark().line + 1};
    if (!entry.first.IsScalar())
      badInput(origin.text() + ": expected a key, got " + (entry.first.IsMap() ? "a map" : "a list"));
    if (entry.first.Scalar() == "include")
      continue;
    const Key &key = require(entry.first.Scalar(), origin, arguments.command);
    if (auto [before, isNew] = seen.emplace(key.name, origin); !isNew)
      badInput(origin.text() + ": " + entry.first.Scalar() + " was given before, in line " +
               std::to_string(before->second.line));
    if (!contains(key.commands, arguments.command))
      continue;
    assign(key, entry.second, origin, arguments.config);
    if (!entry.second.IsNull())
      arguments.given[key.name] = origin;
  }
}

Arguments readArguments(Command command, std::span<const std::string> words, size_t maxWords) {
  Arguments result{.command = command, .config = {}, .words = {}, .given = {}};
  CommandLine line(words, result);
  line.read(/*assigning=*/false); // finds the files, whose values come first
  if (result.help)
    return result;
  if (result.words.size() > maxWords)
    badInput("command line: unexpected '" + result.words[maxWords] +
             "': expected config.yaml, key=value or --key value");
  for (const std::string &file : line.configs)
    readYaml(readFile(file), file, result);
  line.read(/*assigning=*/true);
  resolve(result);
  return result;
}

} // namespace mlora
