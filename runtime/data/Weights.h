// How often an epoch sees the rows of a data set.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"

#include <cstdint>
#include <vector>

namespace mlora {

/// Rows of an epoch, by number: all `count` of them floor(weight) times, and a part of them once more, drawn
/// by the data set's seed (or the run's) and its place in the list. Throws Error(BadInput) when that is too
/// many.
std::vector<int64_t> weighted(const DatasetSpec &spec, int64_t count, uint64_t dataset, uint64_t seed);

} // namespace mlora
