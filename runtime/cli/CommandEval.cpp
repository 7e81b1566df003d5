// `mlora-run eval`: scores of tasks, of a base or of a base with an adapter.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Eval/Evaluation.h"
#include "mlora/Runtime/Report/StepRecord.h"
#include "mlora/Runtime/Train/Interrupt.h"
#include "mlora/Runtime/Inference/LoadedModel.h"

#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace mlora {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// A line that says how far it is: rewritten on a terminal, otherwise one each tenth.
class EvalProgress {
public:
  void show(const std::string &task, double share) {
    if (!terminal && share < next)
      return;
    next = share + 0.1;
    double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::fprintf(stderr, "%s%s  %3.0f %%  %s elapsed  %s left%s", terminal ? "\r\033[K" : "", task.c_str(), 100 * share,
                 durationText(seconds).c_str(), durationText(share > 0 ? seconds / share - seconds : 0).c_str(),
                 terminal ? "" : "\n");
    std::fflush(stderr);
  }
  void finish() const {
    if (terminal)
      std::fprintf(stderr, "\r\033[K");
  }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start).count(); }

private:
  Clock::time_point start = Clock::now();
  bool terminal = isatty(STDERR_FILENO);
  double next = 0;
};

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
  EvalProgress progress; // its clock starts when the model is loaded
  std::vector<TaskScore> scores = evaluation.run(program, [&](const std::string &task, double share) {
    if (interrupt.asked())
      throw Error(Status::Interrupted, "interrupted: nothing was written");
    progress.show(task, share);
  });
  progress.finish();

  nlohmann::ordered_json how = evaluationConfig(config, config.adapter, model.base(), options.context);
  how["scoring_seconds"] = progress.seconds();
  nlohmann::ordered_json json = resultsJson(scores, how);
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
  if (!config.outputDir.empty())
    std::fprintf(stderr, "mlora-run: results.json and samples are in %s\n", config.outputDir.c_str());
  return 0;
}

} // namespace mlora
