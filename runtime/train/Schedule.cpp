#include "mlora/Runtime/Train/Schedule.h"

#include <algorithm>
#include <cmath>

namespace mlora {

Schedule::Schedule(const TrainConfig &config, int64_t totalSteps)
    : highest(config.rate()), falling(config.schedule == "linear"),
      warmup(int64_t(std::ceil(config.warmupRatio * double(totalSteps)))), total(totalSteps) {}

double Schedule::rate(int64_t step) const {
  if (step < warmup)
    return highest * double(step) / double(std::max<int64_t>(1, warmup));
  if (!falling)
    return highest;
  return highest * std::max(0.0, double(total - step) / double(std::max<int64_t>(1, total - warmup)));
}

} // namespace mlora
