// One function an operation of Operations.def: run<Name>(context, site, operands, results).
#pragma once

#include "Block.h"

#include <cstring>

namespace mlora::emulator {

#define MLORA_EMULATED_OPERATION(name)                                                                       \
  void run##name(ThreadContext *, uint32_t site, const uint64_t *in, uint64_t *out);
#include "mlora/Runtime/Emulator/Operations.def"

/// A collective of the .aligned kind: the whole warp, all of it there.
void wholeWarp(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out, Execute execute);

/// A float in a slot, or in the low half of one.
inline float toFloat(uint64_t slot) {
  uint32_t bits = slot;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline uint64_t fromFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

/// The compiler's enumerations of a matrix's element types and of those of sums (RewriteNVVM.cpp).
enum class Element { BF16, F16, TF32, S8, U8, E4M3, E5M2 };
enum class Accumulator { F32, F16, S32, SaturatingS32 };

/// A 16-bit element.
inline float fromHalf(uint16_t bits, Element type) {
  if (type == Element::BF16)
    return toFloat(uint32_t(bits) << 16);
  _Float16 half;
  std::memcpy(&half, &bits, 2);
  return float(half);
}

} // namespace mlora::emulator
