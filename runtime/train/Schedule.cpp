#include "mlora/Runtime/Train/Schedule.h"

#include <algorithm>
#include <cmath>

namespace mlora {

Schedule::Schedule(const TrainConfig &config, int64_t totalSteps)
    : highest(config.rate()), ratio(config.warmupRatio), falling(config.schedule == "linear"),
      warmup(int64_t(std::ceil(config.warmupRatio * double(totalSteps)))), total(totalSteps) {}

double Schedule::rate(int64_t step) const {
  if (step < warmup)
    return highest * double(step) / double(std::max<int64_t>(1, warmup));
  if (!falling)
    return highest;
  return highest * std::max(0.0, double(total - step) / double(std::max<int64_t>(1, total - warmup)));
}

double Schedule::rateAt(double share) const {
  if (share < ratio)
    return highest * share / ratio;
  return falling ? highest * std::max(0.0, 1 - share) / std::max(1e-9, 1 - ratio) : highest;
}

} // namespace mlora
