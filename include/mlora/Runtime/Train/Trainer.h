// The `train` command's work: data, program, loop, checkpoints, output.
#pragma once

#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Core/Error.h"

#include <nlohmann/json.hpp>

namespace mlora {

/// What a run came to.
struct TrainOutcome {
  Status status = Status::Ok; ///< Interrupted: a checkpoint was saved first
  int64_t steps = 0, totalSteps = 0, tokens = 0;
  double seconds = 0;     ///< of this session, validation and checkpoints included
  double stepSeconds = 0; ///< of this session's steps alone
  int64_t sessionTokens = 0;
  double tokensPerSecond() const { return stepSeconds > 0 ? double(sessionTokens) / stepSeconds : 0; }
  std::optional<double> loss; ///< of the last step
  std::optional<double> validationBefore, validationAfter;
  std::vector<std::pair<std::string, double>> scoresBefore, scoresAfter; ///< of eval_tasks
  int64_t bestStep = -1; ///< whose checkpoint became the output; -1: the last step's
  std::string best;      ///< "average 0.5069": by which it is the best
  std::string outputDir;

  nlohmann::ordered_json toJson() const;
};

/// Trains as the arguments say and writes output_dir (CLI.md). Throws Error as every part does; a checkpoint
/// that was there stays.
TrainOutcome train(const Arguments &arguments);

} // namespace mlora
