#include "mlora/Runtime/Data/StepPlan.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cmath>

namespace mlora {

StepPlan::StepPlan(const TrainConfig &config, int64_t sequences, int64_t world)
    : sequences(sequences), batchSize(config.batchSize), accumulation(config.accumulation) {
  if (__builtin_mul_overflow(batchSize, accumulation, &sequencesPerStep) ||
      __builtin_mul_overflow(sequencesPerStep, world, &sequencesPerStep))
    badInput("per_device_train_batch_size times gradient_accumulation_steps is too large");
  stepsPerEpoch = sequences / sequencesPerStep + (sequences % sequencesPerStep != 0);
  if (config.maxSteps >= 0) {
    totalSteps = config.maxSteps;
    return;
  }
  // 0.1 x 30 is a little more than 3 in binary: that is 3 steps, not 4.
  double steps = std::ceil(config.epochs * double(stepsPerEpoch) - 1e-9);
  if (steps > 1e15)
    badInput("num_train_epochs is too large");
  totalSteps = int64_t(steps);
}

int64_t StepPlan::end(int64_t step) const {
  return begin(step) + std::min(sequencesPerStep, sequences - begin(step));
}

} // namespace mlora
