// What holds between keys: dependent defaults, paths beside the file, contradictions, and what is not built
// yet.
#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <filesystem>

namespace mlora {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const Arguments &arguments, std::string_view key, const std::string &message) {
  auto found = arguments.given.find(key);
  std::string place = found == arguments.given.end() ? "" : found->second.text() + ": ";
  badInput(place + std::string(key) + ": " + message);
}

/// A path in a file is relative to that file's folder where it exists there (a recipe lies beside its data),
/// else to the current folder.
void findBeside(const Arguments &arguments, std::string_view key, std::string &path) {
  auto origin = arguments.given.find(key);
  if (path.empty() || origin == arguments.given.end() || origin->second.file.empty())
    return;
  fs::path beside = fs::path(origin->second.file).parent_path() / path;
  if (std::error_code ignored; fs::exists(beside, ignored))
    path = fs::absolute(beside).lexically_normal().string();
}

void resolvePaths(Arguments &arguments) {
  Config &config = arguments.config;
  findBeside(arguments, "model_name_or_path", config.model);
  std::vector<std::string> adapters = config.adapterPaths();
  config.adapter.clear();
  for (std::string &adapter : adapters) {
    findBeside(arguments, "adapter", adapter);
    config.adapter += (config.adapter.empty() ? "" : ",") + adapter;
  }
  if (adapters.size() > 1 && arguments.command != Command::Merge)
    refuse(arguments, "adapter", "only merge takes several adapters, got " + std::to_string(adapters.size()));
  findBeside(arguments, "tokenizer", config.tokenizer);
  for (DatasetSpec &spec : config.datasets)
    findBeside(arguments, "datasets", spec.path);
  for (DatasetSpec &spec : config.validation)
    findBeside(arguments, "validation", spec.path);
  for (DatasetSpec &spec : config.evalTasks)
    findBeside(arguments, "eval_tasks", spec.path);
}

void resolveMethod(Arguments &arguments) {
  Config &config = arguments.config;
  if (config.method == "lora" && config.numBranches != 1) {
    auto branches = arguments.given.find("num_branches"), method = arguments.given.find("method");
    bool overridden = branches != arguments.given.end() && !branches->second.file.empty() &&
                      method != arguments.given.end() && method->second.file.empty();
    if (branches != arguments.given.end() && !overridden)
      refuse(arguments, "num_branches",
             "method=lora has one branch, got " + std::to_string(config.numBranches));
    config.numBranches = 1;
  }
  static const std::vector<std::string> projections = TrainConfig{}.targetModules;
  if (config.targetModules == std::vector<std::string>{"all-linear"})
    config.targetModules = projections;
  if (config.targetModules.empty() && config.method != "ft")
    refuse(arguments, "lora_target_modules", "expected at least one projection, got none");
  std::vector<std::string_view> known(projections.begin(), projections.end());
  for (const std::string &target : config.targetModules)
    if (std::ranges::find(projections, target) == projections.end())
      refuse(arguments, "lora_target_modules",
             "'" + target + "' matches no projection: did you mean '" + std::string(nearest(target, known)) +
                 "'?");
  for (size_t i = 0; i < config.targetModules.size(); ++i)
    if (std::count(config.targetModules.begin(), config.targetModules.end(), config.targetModules[i]) > 1)
      refuse(arguments, "lora_target_modules", "'" + config.targetModules[i] + "' is named twice");
  config.loraAlpha = config.alpha();
  config.learningRate = config.rate();
}

/// Keys whose names stay (CLI.md) but whose other values nothing implements yet: never silently ignored.
void refuseUnbuilt(const Arguments &arguments) {
  const Config &config = arguments.config;
  auto unbuilt = [&](std::string_view key, bool asked, const std::string &value) {
    if (asked)
      refuse(arguments, key, value + " is not built yet");
  };
  if (config.method == "none" && arguments.command != Command::Bench)
    refuse(arguments, "method",
           "none trains nothing: it is for `bench`, which measures a step without an adapter; expected "
           "multilora, lora or ft");
  if (config.method == "none" && (config.offload == "optimizer" || config.offload == "all"))
    refuse(arguments, "offload",
           config.offload + ": method=none has no optimizer: give offload=base or offload=none");
  if (config.device == "emulate" && arguments.command == Command::Bench)
    refuse(arguments, "device", "the emulator's speed tells nothing about a GPU's: bench takes cpu or cuda");
  if (config.chip != "auto" && config.device == "cpu")
    refuse(arguments, "chip", "is of a GPU's kernels (device=cuda, device=emulate), and device=cpu has none");
  if ((config.dtype == "f16" || config.dtype == "q8_0") && arguments.command != Command::Merge)
    refuse(arguments, "dtype", config.dtype + " is a type that merge stores; nothing computes in it");
  if (config.dtype == "bf16" && config.device == "cpu" && arguments.command != Command::Merge)
    refuse(arguments, "dtype",
           "computing in bf16 is not built yet for device=cpu: the GPU's kernels do it (device=cuda, "
           "device=emulate), "
           "the CPU's are f32");
  if (config.offload != "none" && config.device == "cpu")
    refuse(arguments, "offload",
           config.offload +
               ": is of a GPU's memory (device=cuda, device=emulate); with device=cpu all is in the "
               "host's: give offload=none");
  if ((config.offload == "base" || config.offload == "all") && config.method == "ft")
    refuse(arguments, "offload",
           config.offload +
               ": method=ft trains the base, of which nothing is frozen: give offload=optimizer");
  unbuilt("lora_dropout", config.loraDropout != 0, "dropout");
  unbuilt("report_to", std::ranges::find(config.reportTo, "html") != config.reportTo.end(), "html");
}

/// Keys that were given and say nothing.
void refuseEmpty(const Arguments &arguments) {
  const Config &config = arguments.config;
  for (const Key &key : keys()) {
    if (!contains(key.required, arguments.command) || !arguments.has(key.name))
      continue;
    auto text = std::get_if<std::string Config::*>(&key.field);
    auto sets = std::get_if<std::vector<DatasetSpec> Config::*>(&key.field);
    bool none = key.name == "adapter" && config.adapterPaths().empty();
    if (none || (text && (config.**text).empty()) || (sets && (config.**sets).empty()))
      refuse(arguments, key.name, "is empty: expected " + std::string(key.doc));
  }
  if (arguments.has("messages") && config.messages.empty())
    refuse(arguments, "messages", "is empty: expected a list of {role, content}, as JSON");
  if (std::ranges::find(config.stop, "") != config.stop.end())
    refuse(arguments, "stop", "an empty text would end every text at once: leave it out");
}

/// Choices of `format` that belong to another command.
void checkFormat(const Arguments &arguments) {
  const std::string &format = arguments.config.format;
  bool merge = arguments.command == Command::Merge;
  if ((merge && format == "peft") || (arguments.command == Command::Export && format == "hf"))
    refuse(arguments, "format",
           format + (merge ? " is of `export`; merge writes hf or gguf"
                           : " is of `merge`; export writes peft or gguf"));
}

/// Before anything is missed: who mistypes this has not come to the keys yet.
void checkWords(const Arguments &arguments) {
  if (arguments.command != Command::Data)
    return;
  std::string what = arguments.words.empty() ? "" : arguments.words[0];
  if (what != "preview" && what != "batches" && what != "tasks")
    badInput(
        "`data` is followed by what to show: `preview` (the first rows as tokens, labels and boundaries), "
        "`batches` (what train would consume, as JSON lines) or `tasks` (what rows may be of)" +
        (what.empty() ? "" : ", not by '" + what + "'") +
        ": for example mlora-run data preview model=MODEL datasets=ROWS.jsonl");
}

} // namespace

std::vector<std::string> TrainConfig::adapterPaths() const {
  std::error_code ignored;
  if (adapter.empty() || fs::exists(adapter, ignored) || adapter.find(',') == std::string::npos)
    return adapter.empty() ? std::vector<std::string>{} : std::vector{adapter};
  std::vector<std::string> paths;
  for (size_t begin = 0; begin <= adapter.size();) {
    size_t end = std::min(adapter.find(',', begin), adapter.size());
    if (end > begin)
      paths.push_back(adapter.substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

void resolve(Arguments &arguments) {
  Config &config = arguments.config;
  checkWords(arguments);
  bool needsNothing = arguments.command == Command::Data && arguments.words[0] == "tasks";
  for (const Key &key : keys())
    if (!needsNothing && contains(key.required, arguments.command) && !arguments.has(key.name))
      badInput("`mlora-run " + std::string(commandName(arguments.command)) + "` needs " +
               std::string(key.name) + " (" + std::string(key.doc) + ")");
  refuseEmpty(arguments);
  resolvePaths(arguments);
  resolveMethod(arguments);
  refuseUnbuilt(arguments);
  checkFormat(arguments);
  if (config.adamBeta1 >= 1)
    refuse(arguments, "adam_beta1", "expected less than 1");
  if (config.adamBeta2 >= 1)
    refuse(arguments, "adam_beta2", "expected less than 1");
  bool byAverage = config.metricForBestModel == "average";
  if (byAverage && config.evalTasks.empty())
    refuse(arguments, "metric_for_best_model", "average needs `eval_tasks`, whose scores it is the mean of");
  if (config.loadBestModelAtEnd && !byAverage && config.validation.empty())
    refuse(arguments, "load_best_model_at_end",
           "needs `validation`, whose loss says which checkpoint is best (or metric_for_best_model=average, "
           "the mean "
           "of `eval_tasks`)");
  if (config.reportTo == std::vector<std::string>{"none"})
    config.reportTo.clear();
}

} // namespace mlora
