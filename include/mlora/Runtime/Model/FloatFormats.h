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

/// The nearest half, ties to even, as f32: infinite beyond 65504. Spacing is 2^-24 below 2^-14, where adding
/// 0.5 leaves a float of just that spacing.
inline float roundToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits & 0x80000000, magnitude = bits & 0x7fffffff;
  uint32_t normal = (magnitude + 0xfff + ((magnitude >> 13) & 1)) & 0xffffe000;
  uint32_t subnormal = std::bit_cast<uint32_t>((std::bit_cast<float>(magnitude) + 0.5f) - 0.5f);
  uint32_t rounded = magnitude < (113u << 23) ? subnormal : normal;
  rounded = rounded >= 0x47800000 ? 0x7f800000 : rounded;  // 65536 and more
  rounded = magnitude > 0x7f800000 ? 0x7fc00000 : rounded; // NaN
  return std::bit_cast<float>(rounded | sign);
}

/// A value that roundToHalf() gave, as half.
inline uint16_t exactHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
  uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  uint32_t normal = (magnitude >> 13) - (112u << 10), special = (magnitude >> 13) - (224u << 10);
  uint32_t half = magnitude < (113u << 23) ? subnormal : magnitude >= 0x7f800000 ? special : normal;
  return static_cast<uint16_t>(half | ((bits >> 16) & 0x8000));
}

inline uint16_t floatToHalf(float value) { return exactHalf(roundToHalf(value)); }

/// `count` little-endian values at any alignment.
void halvesToFloats(const uint8_t *halves, int64_t count, float *out);
void bfloatsToFloats(const uint8_t *bfloats, int64_t count, float *out);
void floatsToHalves(const float *values, int64_t count, uint16_t *out);
void floatsToBfloats(const float *values, int64_t count, uint16_t *out);

} // namespace mlora
