// What training says about a step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlora {

/// One line of the log: steps done, and how they went since the line before.
struct StepRecord {
  int64_t currentSteps = 0; ///< from 1
  int64_t totalSteps = 0;
  std::optional<double> loss, evalLoss;
  std::vector<std::pair<std::string, double>> scores; ///< of tasks: `boolq_acc`, …, and last their `average`
  std::optional<double> learningRate; ///< that this step used
  std::optional<double> gradientNorm; ///< before clipping, of the mean loss
  double epoch = 0;
  double elapsedSeconds = 0; ///< earlier sessions of a resumed run included
  std::optional<double> remainingSeconds;
  std::optional<double> tokensPerSecond;
  int64_t totalTokens = 0;

  double percentage() const { return totalSteps ? 100.0 * double(currentSteps) / double(totalSteps) : 100.0; }
};

/// Seconds as `0:01:23`, the way trainer_log.jsonl and the progress line show them.
std::string durationText(double seconds);

/// Where records go. Implementations may throw an Error when they cannot write.
class Report {
public:
  virtual ~Report() = default;
  virtual void step(const StepRecord &record) = 0;
  /// A sentence that interrupts the progress, e.g. that a checkpoint was written.
  virtual void message(const std::string &text) {}
  /// Tasks are being scored: `task` now, `share` of all that is to be scored done after `seconds`.
  virtual void scoring(const std::string &task, double share, double seconds) {}
  virtual void finish() {}
};

} // namespace mlora
