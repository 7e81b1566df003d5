// `mlora-run train`.
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Report/StepRecord.h"
#include "mlora/Runtime/Train/Trainer.h"

#include <iostream>

namespace mlora {
namespace {

void print(const TrainOutcome &outcome) {
  char text[200];
  std::snprintf(text, sizeof text, "%lld of %lld steps, %lld tokens; here %s, %.0f tokens/s\n",
                (long long)outcome.steps, (long long)outcome.totalSteps, (long long)outcome.tokens,
                durationText(outcome.seconds).c_str(), outcome.tokensPerSecond());
  std::cout << text;
  auto loss = [&](const char *name, const std::optional<double> &value) {
    if (!value)
      return;
    std::snprintf(text, sizeof text, "%-24s %.4f\n", name, *value);
    std::cout << text;
  };
  loss("loss of the last step", outcome.loss);
  loss("validation loss before", outcome.validationBefore);
  loss("validation loss after", outcome.validationAfter);
  for (size_t i = 0; i < outcome.scoresAfter.size(); ++i) {
    const auto &[name, after] = outcome.scoresAfter[i];
    bool hasBefore = i < outcome.scoresBefore.size(); // not after a resume
    std::snprintf(text, sizeof text, hasBefore ? "%-24s %.4f (before: %.4f)\n" : "%-24s %.4f\n", name.c_str(), after,
                  hasBefore ? outcome.scoresBefore[i].second : 0.0);
    std::cout << text;
  }
  if (outcome.bestStep >= 0)
    std::cout << "the output is the checkpoint of step " << outcome.bestStep << ", the best one (" << outcome.best
              << "); the numbers above are the last step's\n";
  if (outcome.status == Status::Ok)
    std::cout << "written to " << outcome.outputDir << "\n";
}

} // namespace

int runTrain(Arguments &arguments) {
  TrainOutcome outcome = train(arguments);
  if (arguments.config.json)
    std::cout << outcome.toJson().dump(2) << "\n";
  else
    print(outcome);
  return int(outcome.status);
}

} // namespace mlora
