// Which part of each step is ours when several processes train together.
#pragma once

#include <cstdint>

namespace mlora {

/// A step takes batch size x accumulation sequences for each of `world` ranks; sequence i of it is rank i mod
/// world's. In an epoch's last step ranks may have one less, or none.
struct Shard {
  int64_t rank = 0, world = 1;
};

} // namespace mlora
