// How many optimizer steps a run has, and which sequences each takes: the arithmetic, in one place.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"

#include <cstdint>

namespace mlora {

/// `sequencesPerStep` = batch size x accumulation x ranks. An epoch ends with a smaller step when that does
/// not divide the sequences; totalSteps is max_steps where given, else ceil(epochs x stepsPerEpoch) (Hugging
/// Face's Trainer).
struct StepPlan {
  int64_t sequences = 0, batchSize = 1, accumulation = 1;
  int64_t sequencesPerStep = 1, stepsPerEpoch = 0, totalSteps = 0;

  StepPlan() = default;
  /// `world`: how many processes share each step (Shard.h).
  StepPlan(const TrainConfig &config, int64_t sequences, int64_t world = 1);

  int64_t epochOf(int64_t step) const { return step / stepsPerEpoch; }
  /// Index in its epoch of the first sequence of a step, and one past its last.
  int64_t begin(int64_t step) const { return step % stepsPerEpoch * sequencesPerStep; }
  int64_t end(int64_t step) const;
  /// Epochs done after `steps` steps, as trainer_log.jsonl shows them.
  double epochsAfter(int64_t steps) const { return double(steps) / double(stepsPerEpoch); }
};

} // namespace mlora
