// The 16-bit float formats of checkpoints, to and from f32.
#pragma once

#include <bit>
#include <cstdint>

namespace mlora {

/// IEEE half to f32, exact. Without arithmetic on subnormals, so that a thread's denormals-are-zero mode does
/// not change it.
inline float halfToFloat(uint16_t half) {
  uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  uint32_t normal = magnitude + (112u << 23);
  uint32_t special = magnitude + (224u << 23); // infinities and NaNs
  // 2^-14 + mantissa - 2^-14: a subnormal half is a normal float.
  float subnormal = std::bit_cast<float>(magnitude + (113u << 23)) - std::bit_cast<float>(113u << 23);
  uint32_t bits = magnitude < (1u << 23)     ? std::bit_cast<uint32_t>(subnormal)
                  : magnitude >= (31u << 23) ? special
                                             : normal;
  return std::bit_cast<float>(bits | sign);
}

inline float bfloatToFloat(uint16_t bfloat) {
  return std::bit_cast<float>(static_cast<uint32_t>(bfloat) << 16);
}

/// Rounds to nearest, ties to even; NaN stays NaN.
inline uint16_t floatToBfloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  uint32_t quieted = (bits >> 16) | 0x40;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quieted : rounded);
}

/// `count` little-endian values at any alignment.
void halvesToFloats(const uint8_t *halves, int64_t count, float *out);
void bfloatsToFloats(const uint8_t *bfloats, int64_t count, float *out);
void floatsToBfloats(const float *values, int64_t count, uint16_t *out);

} // namespace mlora
