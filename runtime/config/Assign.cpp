#include "Assign.h"

#include "Text.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace mlora {
namespace {

/// What a value looks like in a message: its text, or its shape.
std::string shown(const YAML::Node &value) {
  if (value.IsScalar())
    return "'" + value.Scalar() + "'";
  return value.IsSequence() ? "a list" : value.IsMap() ? "a map" : "nothing";
}

struct Assigner {
  const Key &key;
  const Origin &origin;
  Config &config;

  [[noreturn]] void refuse(const YAML::Node &value, const std::string &expected) const {
    Origin place = origin;
    if (!origin.file.empty() && value.Mark().line >= 0)
      place.line = value.Mark().line + 1;
    badInput(place.text() + ": " + std::string(key.name) + ": expected " + expected + ", got " +
             shown(value));
  }

  std::string text(const YAML::Node &value) const {
    if (!value.IsScalar())
      refuse(value, expectation(key));
    std::string found = value.Scalar();
    if (!key.choices.empty() && std::ranges::find(key.choices, found) == key.choices.end())
      refuse(value, expectation(key));
    return found;
  }

  /// The whole scalar as a number of type T, times its unit of bytes.
  template <typename T> T number(const YAML::Node &value) const {
    if (!value.IsScalar())
      refuse(value, expectation(key));
    const std::string &written = value.Scalar();
    T result{};
    const char *end = written.data() + written.size();
    auto [rest, error] = std::from_chars(written.data(), end, result);
    T unit = 1;
    if (key.bytes && error == std::errc() && rest != end) {
      std::string_view suffix(rest, end);
      unit = suffix == "KiB"   ? T(1 << 10)
             : suffix == "MiB" ? T(1 << 20)
             : suffix == "GiB" ? T(1 << 30)
                               : T(0);
      rest = end;
    }
    bool wrong = error != std::errc() || rest != end || unit == 0;
    if constexpr (std::is_floating_point_v<T>)
      wrong = wrong || !std::isfinite(result);
    else
      wrong = wrong || result > std::numeric_limits<T>::max() / unit;
    if (wrong || double(result) < key.least || double(result) > key.greatest)
      refuse(value, expectation(key));
    return result * unit;
  }

  bool flag(const YAML::Node &value) const {
    static const std::set<std::string> yes = {"true", "yes", "on", "1", "True"};
    static const std::set<std::string> no = {"false", "no", "off", "0", "False"};
    if (value.IsScalar() && yes.count(value.Scalar()))
      return true;
    if (!value.IsScalar() || !no.count(value.Scalar()))
      refuse(value, expectation(key));
    return false;
  }

  DatasetSpec dataset(const YAML::Node &value) const {
    if (value.IsScalar())
      return {.path = value.Scalar()};
    if (!value.IsMap())
      refuse(value, "a path or {" + joined(entryKeys(key), ", ") + "}");
    DatasetSpec spec;
    std::set<std::string> seen;
    for (const auto &entry : value)
      datasetEntry(entry.first, entry.second, seen, spec);
    if (spec.path.empty())
      refuse(value, "an entry `path`");
    return spec;
  }

  void datasetEntry(const YAML::Node &name, const YAML::Node &value, std::set<std::string> &seen,
                    DatasetSpec &spec) const {
    std::span<const std::string_view> known = entryKeys(key);
    std::string field = name.IsScalar() ? name.Scalar() : "";
    if (field == "num_fewshot" && key.name != "eval_tasks")
      refuse(name, "no num_fewshot: rows that are trained have no shots");
    if (field == "weight" && key.name == "eval_tasks")
      refuse(name, "no weight: every row is scored once (limit says how many)");
    if (std::ranges::find(known, field) == known.end())
      refuse(name,
             "keys " + joined(known, ", ") + " (did you mean `" + std::string(nearest(field, known)) + "`?)");
    if (!seen.insert(field).second)
      refuse(name, "each key once in an entry");
    if (value.IsNull())
      return;
    // The entry's own name and bounds make the message: "datasets.limit: expected a whole number >= 0".
    std::string path = std::string(key.name) + "." + field;
    Key inner{.name = path, .aliases = {}, .field = &Config::model, .commands = 0, .doc = {}};
    if (field == "limit" || field == "num_fewshot")
      inner.field = &Config::maxSteps;
    else if (field == "weight")
      inner.field = &Config::epochs;
    else if (field == "seed")
      inner.field = &Config::seed;
    Assigner part{inner, origin, config};
    if (field == "path")
      spec.path = part.text(value);
    else if (field == "task")
      spec.task = part.text(value);
    else if (field == "split")
      spec.split = part.text(value);
    else if (field == "limit")
      spec.limit = part.number<int64_t>(value);
    else if (field == "seed")
      spec.seed = part.number<uint64_t>(value);
    else if (field == "num_fewshot")
      spec.shots = part.number<int64_t>(value);
    else
      spec.weight = part.number<double>(value);
  }

  /// A list of one may be written without brackets.
  template <typename Each> auto list(const YAML::Node &value, Each each) const {
    std::vector<decltype(each(value))> result;
    if (value.IsSequence())
      for (const YAML::Node &entry : value)
        result.push_back(each(entry));
    else
      result.push_back(each(value));
    return result;
  }

  void operator()(std::string Config::*member, const YAML::Node &value) const {
    if (!key.joined || !value.IsSequence()) {
      config.*member = text(value);
      return;
    }
    std::string joined;
    for (const YAML::Node &entry : value)
      joined += (joined.empty() ? "" : ",") + text(entry);
    config.*member = joined;
  }
  void operator()(int64_t Config::*member, const YAML::Node &value) const {
    config.*member = number<int64_t>(value);
  }
  void operator()(uint64_t Config::*member, const YAML::Node &value) const {
    config.*member = number<uint64_t>(value);
  }
  void operator()(double Config::*member, const YAML::Node &value) const {
    config.*member = number<double>(value);
  }
  void operator()(std::optional<double> Config::*member, const YAML::Node &value) const {
    config.*member = number<double>(value);
  }
  void operator()(bool Config::*member, const YAML::Node &value) const { config.*member = flag(value); }
  void operator()(std::vector<std::string> Config::*member, const YAML::Node &value) const {
    config.*member = list(value, [&](const YAML::Node &entry) { return text(entry); });
  }
  void operator()(std::vector<DatasetSpec> Config::*member, const YAML::Node &value) const {
    config.*member = list(value, [&](const YAML::Node &entry) { return dataset(entry); });
  }
};

bool isList(const Key &key) {
  return std::holds_alternative<std::vector<std::string> Config::*>(key.field) ||
         std::holds_alternative<std::vector<DatasetSpec> Config::*>(key.field);
}

/// `a,b` as a list of two; an empty text as a list of none.
YAML::Node splitList(const std::string &text) {
  YAML::Node list(YAML::NodeType::Sequence);
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    list.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

} // namespace

void assign(const Key &key, const YAML::Node &value, const Origin &origin, Config &config) {
  if (value.IsNull()) // `key:` or `key: null` leaves the default
    return;
  std::visit([&](auto member) { Assigner{key, origin, config}(member, value); }, key.field);
}

void assignText(const Key &key, const std::string &text, Config &config) {
  bool written = key.joined && text.starts_with("[") && text.ends_with("]"); // as a list; no file's name is
  if (!isList(key) && !written)
    return assign(key, YAML::Node(text), Origin{}, config);
  if (text.find_first_of("[{") != 0)
    return assign(key, splitList(text), Origin{}, config);
  YAML::Node value;
  try {
    value = YAML::Load(text);
  } catch (const YAML::Exception &error) {
    badInput("command line: " + std::string(key.name) + ": expected " + expectation(key) + ", got '" + text +
             "' (" + error.msg + ")");
  }
  assign(key, value, Origin{}, config);
}

} // namespace mlora
