// Blocks of any format whose values are finite and of a size that is known.
#pragma once

#include "mlora/Runtime/Model/BlockFormats.h"

#include <cstdint>
#include <vector>

namespace mlora::test {

/// Random bytes; halves that are scales get the exponent `scale` (8: 2^-7 to 2^-6; of F16 that of the values, of BF16
/// these are 2^-5 to 2^-4 always).
inline std::vector<uint8_t> randomBlocks(const BlockFormat &format, int64_t count, uint32_t seed, int scale = 10) {
  std::vector<uint8_t> bytes(size_t(count * format.bytes));
  for (uint8_t &byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = uint8_t(seed >> 24);
  }
  auto tame = [&](size_t at) { bytes[at + 1] = uint8_t((bytes[at + 1] & 0x83) | scale << 2); };
  for (int64_t block = 0; block < count; ++block) {
    size_t at = size_t(block * format.bytes);
    if (format.name == "F16" || format.name == "BF16") {
      for (int64_t i = 0; i < format.values; ++i)
        if (format.name == "F16")
          tame(at + size_t(2 * i));
        else
          bytes[at + size_t(2 * i) + 1] = uint8_t((bytes[at + size_t(2 * i) + 1] & 0x80) | 0x3d);
    } else if (format.name == "Q6_K") {
      tame(at + 208);
    } else {
      tame(at);
      if (format.name.ends_with("_1") || format.name.ends_with("_K"))
        tame(at + 2);
    }
  }
  return bytes;
}

} // namespace mlora::test
