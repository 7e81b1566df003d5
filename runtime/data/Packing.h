// Which examples share a sequence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mlora {

/// First fit: each example, in order, goes into the oldest open sequence that has room for all of it, else
/// opens a new one. At most `open` sequences are open: the oldest closes when one more opens (1: the
/// examples' order stays). Returns positions in `lengths`, which are at most `capacity` each.
std::vector<std::vector<int64_t>> packFirstFit(std::span<const int64_t> lengths, int64_t capacity,
                                               int64_t open);

} // namespace mlora
