// `mlora-run eval`: scores of tasks, of a base or of a base with an adapter.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Eval/Evaluation.h"
#include "mlora/Runtime/Inference/LoadedModel.h"
#include "mlora/Runtime/Report/ProgressLine.h"
#include "mlora/Runtime/Train/Interrupt.h"

#include <chrono>
#include <cstdio>

namespace mlora {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

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

  nlohmann::ordered_json how = evaluationConfig(config, config.adapter, model.base(), options.context);
  how["scoring_seconds"] = scoringSeconds;
  nlohmann::ordered_json json = resultsJson(scores, how);
  // What took long is shown before a full disk can end the command, and kept when it cannot be shown.
  std::string results = json.dump(2) + "\n", text = config.json ? results : resultsTable(scores);
  bool isShown = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!config.outputDir.empty()) {
    fs::path folder = config.outputDir;
    writeFileAtomically(folder / "results.json", results);
    for (const auto &[name, lines] : evaluation.samples())
      writeFileAtomically(folder / ("samples_" + name + ".jsonl"), lines);
    std::fprintf(stderr, "mlora-run: results.json and samples are in %s\n", config.outputDir.c_str());
  }
  if (!isShown)
    failed("standard output could not be written");
  return 0;
}

} // namespace mlora
