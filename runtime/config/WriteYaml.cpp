// A configuration as YAML: what `train` keeps as config.yaml, so that a run can be repeated.
#include "Text.h"
#include "mlora/Runtime/Config/Arguments.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace mlora {
namespace {

/// JSON's strings are YAML's double-quoted ones: always safe, whatever the text looks like.
std::string quoted(const std::string &text) { return nlohmann::json(text).dump(); }

std::string entry(const DatasetSpec &spec) {
  std::string text = "{path: " + quoted(spec.path);
  if (!spec.task.empty())
    text += ", task: " + quoted(spec.task);
  if (!spec.split.empty())
    text += ", split: " + quoted(spec.split);
  if (spec.limit >= 0)
    text += ", limit: " + std::to_string(spec.limit);
  if (spec.weight != 1)
    text += ", weight: " + numberText(spec.weight);
  if (spec.seed)
    text += ", seed: " + std::to_string(*spec.seed);
  if (spec.shots >= 0)
    text += ", num_fewshot: " + std::to_string(spec.shots);
  return text + "}";
}

std::string entry(const std::string &text) { return quoted(text); }

struct Writer {
  const Config &config;
  std::string operator()(std::string Config::*member) const { return quoted(config.*member); }
  std::string operator()(int64_t Config::*member) const { return std::to_string(config.*member); }
  std::string operator()(uint64_t Config::*member) const { return std::to_string(config.*member); }
  std::string operator()(double Config::*member) const { return numberText(config.*member); }
  std::string operator()(std::optional<double> Config::*member) const {
    return config.*member ? numberText(*(config.*member)) : "null";
  }
  std::string operator()(bool Config::*member) const { return config.*member ? "true" : "false"; }
  template <typename T> std::string operator()(std::vector<T> Config::*member) const {
    std::string text = "[";
    for (const T &value : config.*member)
      text += (text.size() > 1 ? ",\n  " : "\n  ") + entry(value);
    return text + "]";
  }
};

} // namespace

Config withAbsolutePaths(Config config) {
  auto make = [](std::string &path) {
    if (!path.empty())
      path = std::filesystem::absolute(path).lexically_normal().string();
  };
  for (std::string *path : {&config.model, &config.adapter, &config.tokenizer, &config.outputDir})
    make(*path);
  if (config.resume != "auto")
    make(config.resume);
  for (std::vector<DatasetSpec> *list : {&config.datasets, &config.validation, &config.evalTasks})
    for (DatasetSpec &spec : *list)
      make(spec.path);
  return config;
}

std::string toYaml(const Config &config, Command command) {
  std::string text;
  for (const Key &key : keys())
    if (contains(key.commands, command) && key.name != "json")
      text += std::string(key.name) + ": " + std::visit(Writer{config}, key.field) + "\n";
  return text;
}

} // namespace mlora
