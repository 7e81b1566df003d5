// The emulator's tensor map, in the 128 bytes of a CUtensorMap, whose own format NVIDIA does not publish.
#pragma once

#include <cstdint>

namespace mlora::emulator {

struct alignas(64) TensorMap {
  static constexpr uint64_t kMagic = 0x70616d726f736e74; ///< "tnsormap"
  uint64_t magic = kMagic;
  uint64_t address = 0;
  uint8_t rank = 0, elementBytes = 0, swizzle = 0; ///< swizzle: 0, 32, 64 or 128 bytes
  uint32_t sizes[5] = {}, box[5] = {};             ///< elements; innermost first, as the driver wants them
  uint64_t strides[4] = {};                        ///< bytes, of dimensions 1 and up
};
static_assert(sizeof(TensorMap) == 128);

} // namespace mlora::emulator
