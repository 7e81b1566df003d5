// Tasks scored while training: a second program over the weights of the first.
#pragma once

#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Eval/Evaluation.h"
#include "mlora/Runtime/Train/Trainable.h"

namespace mlora {

class BundleCache;

class TaskScoring {
public:
  /// Reads and tokenises `eval_tasks`. Both must outlive it.
  TaskScoring(const Arguments &arguments, const Checkpoint &base, const Tokenizer &tokenizer);

  std::vector<std::string> notes() const { return evaluation.notes(); }
  /// Compiles the program; where it can, it works on the weights of `training`, which must outlive this object.
  void open(BundleCache &cache, Program &training, const Trainable &trainable);
  /// Scores of what is trained, as it is now.
  std::vector<TaskScore> run(const Parameters &trained, const Evaluation::Progress &progress);
  /// What results.json of these scores holds.
  nlohmann::ordered_json results(std::span<const TaskScore> scores, int64_t step) const;

private:
  const Arguments &arguments;
  const Checkpoint &base;
  Evaluation evaluation;
  std::unique_ptr<Program> program;
  bool isAdapter = false;
};

/// Names and values as the log has them: `boolq_acc`, …, and `average`.
std::vector<std::pair<std::string, double>> namedScores(std::span<const TaskScore> scores);

} // namespace mlora
