// The learning rate as a function of the step.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"

namespace mlora {

/// Hugging Face's convention: warm-up over ceil(ratio * steps) steps, so that step 0 has rate 0; then
/// `linear` falls to 0 at `totalSteps`, `constant` stays.
class Schedule {
public:
  Schedule(const TrainConfig &config, int64_t totalSteps);

  double rate(int64_t step) const;
  /// The same curve over the share of training that is done (0 to 1), for runs whose number of steps is not known.
  double rateAt(double share) const;
  int64_t warmupSteps() const { return warmup; }

private:
  double highest, ratio;
  bool falling;
  int64_t warmup, total;
};

} // namespace mlora
