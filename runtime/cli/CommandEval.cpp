// `mlora-run eval`: scores of tasks, of a base or of a base with an adapter.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Eval/Evaluation.h"
#include "mlora/Runtime/Report/ProgressLine.h"
#include "mlora/Runtime/Train/Interrupt.h"
#include "mlora/Runtime/Inference/LoadedModel.h"

#include <chrono>
#include <cstdio>

namespace mlora {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

nlohmann::ordered_json describe(const Config &config, const Checkpoint &base, double seconds, int64_t context) {
  nlohmann::ordered_json json = {{"model", "mlora"},
                                 {"model_args", "model_name_or_path=" + config.model +
                                                    (config.adapter.empty() ? "" : ",adapter=" + config.adapter)},
                                 {"model_dtype", config.dtype},
                                 {"device", config.device},
                                 {"max_length", context},
                                 {"random_seed", config.seed},
                                 {"base_fingerprint", base.fingerprint()},
                                 {"mlora_version", MLORA_VERSION},
                                 {"scoring_seconds", seconds}};
  nlohmann::ordered_json tasks = nlohmann::ordered_json::array();
  for (const DatasetSpec &spec : config.evalTasks) {
    nlohmann::ordered_json task = {{"task", spec.task}, {"path", spec.path}};
    if (!spec.split.empty())
      task["split"] = spec.split;
    if (spec.limit >= 0)
      task["limit"] = spec.limit;
    tasks.push_back(task);
  }
  json["eval_tasks"] = tasks;
  return json;
}

} // namespace

int runEval(Arguments &arguments) {
  const Config &config = arguments.config;
  LoadedModel model(arguments);
  EvaluationOptions options;
  options.context = contextOf(arguments, model.base().config());
  options.stopTokens = model.stopTokens();
  if (arguments.has("max_new_tokens"))
    options.maxNewTokens = config.maxNewTokens;
  Evaluation evaluation(config.evalTasks, model.tokenizer(), options);
  for (const std::string &note : evaluation.notes())
    std::fprintf(stderr, "mlora-run: note: %s\n", note.c_str());
  if (!config.outputDir.empty())
    makeFolders(config.outputDir);
  Program &program = model.open(evaluation.capacity());

  InterruptGuard interrupt;
  ProgressLine progress;
  Clock::time_point start = Clock::now(); // the model is loaded
  auto seconds = [start] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::vector<TaskScore> scores = evaluation.run(program, [&](const std::string &task, double share) {
    if (interrupt.asked())
      throw Error(Status::Interrupted, "interrupted: nothing was written");
    progress.scoring(task, share, seconds());
  });
  double scoringSeconds = seconds();
  progress.finish();

  nlohmann::ordered_json json =
      resultsJson(scores, describe(config, model.base(), scoringSeconds, options.context));
  if (!config.outputDir.empty()) {
    fs::path folder = config.outputDir;
    for (const auto &[name, lines] : evaluation.samples())
      writeFileAtomically(folder / ("samples_" + name + ".jsonl"), lines);
    writeFileAtomically(folder / "results.json", json.dump(2) + "\n");
  }
  if (config.json)
    std::printf("%s\n", json.dump(2).c_str());
  else
    std::printf("%s", resultsTable(scores).c_str());
  std::fflush(stdout); // the table before the note, where both go to one file
  if (!config.outputDir.empty())
    std::fprintf(stderr, "mlora-run: results.json and samples are in %s\n", config.outputDir.c_str());
  return 0;
}

} // namespace mlora
