// An optimizer step with a compiled program: forward and backward of each micro-batch, norm, clipping,
// update.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Program/Program.h"

#include <span>

namespace mlora {

struct StepResult {
  double loss = 0;         ///< mean over the counted labels of all micro-batches
  double gradientNorm = 0; ///< of that mean's gradient, before clipping
  int64_t tokens = 0, counted = 0;
};

/// Gradients are raw sums over tokens until the update, which divides by the counted labels of the whole
/// accumulated batch: micro-batches weigh by their tokens.
class Stepper {
public:
  /// Runs section `prepare` where there is one: parameters must be in place. The program must outlive this.
  Stepper(Program &program, const TrainConfig &config);

  /// Step `index` (from 0) at rate `rate`. Throws Error(Failed) that names the step when loss or norm is not
  /// finite; parameters and moments are then as before. Of a program that trains nothing (method=none) it is
  /// forward and backward of the activations, and `gradientNorm` is 0.
  StepResult step(std::span<const MicroBatch> batches, int64_t index, double rate);

  /// Forward only: the sum of the counted labels' losses, and their number.
  std::pair<double, int64_t> score(const MicroBatch &batch);

private:
  double run(const char *section, const MicroBatch &batch, bool accumulate);

  Program &program;
  const TrainConfig config;
};

} // namespace mlora
