#include "StoreRounding.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/FloatFormats.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mlora {
namespace {

#define MLORA_INLINE [[gnu::always_inline]] inline

// One random word an element, the same on every machine and for every division of the work (lowbias32).
MLORA_INLINE uint32_t randomWord(uint32_t key, uint32_t index) {
  uint32_t x = index ^ key;
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

MLORA_INLINE bool isFinite(float value) {
  return (std::bit_cast<uint32_t>(value) & 0x7f800000) != 0x7f800000;
}

// A format rounds a float to one that it can hold, and writes such a float.
struct ToF32 {
  using Stored = float;
  static float nearest(float value) { return value; }
  static float random(float value, uint32_t) { return value; }
  static Stored encode(float value) { return value; }
};

struct ToBF16 {
  using Stored = uint16_t;
  MLORA_INLINE static float nearest(float value) { return bfloatToFloat(floatToBfloat(value)); }
  MLORA_INLINE static float random(float value, uint32_t word) {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    float up = std::bit_cast<float>((bits + (word & 0xffff)) & 0xffff0000);
    return isFinite(value) ? up : nearest(value);
  }
  MLORA_INLINE static Stored encode(float value) { return uint16_t(std::bit_cast<uint32_t>(value) >> 16); }
};

struct ToF16 {
  using Stored = uint16_t;
  MLORA_INLINE static float nearest(float value) { return roundToHalf(value); }
  MLORA_INLINE static float random(float value, uint32_t word) {
    uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
    float normal = std::bit_cast<float>((bits + (word & 0x1fff)) & 0xffffe000);
    // Below 2^-14 a half is a multiple of 2^-24.
    float scaled = std::bit_cast<float>(magnitude < (113u << 23) ? magnitude : 0u) * 0x1p24f;
    float steps = static_cast<float>(static_cast<int32_t>(scaled + static_cast<float>(word >> 8) * 0x1p-24f));
    float subnormal = std::copysign(steps * 0x1p-24f, value);
    float either = magnitude < (113u << 23) ? subnormal : normal;
    return isFinite(value) ? roundToHalf(either) : nearest(value);
  }
  MLORA_INLINE static Stored encode(float value) { return exactHalf(value); }
};

constexpr int64_t lanes = 16, chunk = 64;

/// Sums of one lane each: without an order of their own, so that compilers vectorise them.
struct LaneSums {
  float update[lanes] = {}, lost[lanes] = {}, along[lanes] = {};
  int32_t changed[lanes] = {}, overflow[lanes] = {};

  void flush(UpdateSums &sums, bool &overflowed) {
    for (int64_t i = 0; i < lanes; ++i) {
      sums.update += update[i];
      sums.lost += lost[i];
      sums.along += along[i];
      sums.changed += changed[i];
      overflowed |= overflow[i] != 0;
    }
    *this = {};
  }
};

template <typename Format, bool Stochastic, bool Given>
MLORA_INLINE void updateLane(const StorePiece &piece, int64_t i, int64_t lane, LaneSums &sums,
                             typename Format::Stored *out) {
  float delta = piece.update[i], exact = Given ? piece.result[i] : piece.weight[i] + delta;
  float before = Format::nearest(piece.weight[i]);
  float after = Stochastic ? Format::random(exact, randomWord(piece.key, uint32_t(piece.first + i)))
                           : Format::nearest(exact);
  float moved = after - before, lost = moved - delta;
  sums.update[lane] += delta * delta;
  sums.lost[lane] += lost * lost;
  sums.along[lane] += moved * delta;
  sums.changed[lane] += after != before;
  sums.overflow[lane] |= int32_t(isFinite(exact)) & int32_t(!isFinite(after));
  out[i] = Format::encode(after);
}

template <typename Format, bool Stochastic, bool Given>
MLORA_INLINE UpdateSums storeUpdated(const StorePiece &piece, bool &overflow) {
  auto *out = reinterpret_cast<typename Format::Stored *>(piece.out);
  UpdateSums sums;
  LaneSums partial;
  int64_t i = 0;
  for (; i + chunk <= piece.count; i += chunk) {
    for (int64_t j = 0; j < chunk; j += lanes)
      for (int64_t lane = 0; lane < lanes; ++lane)
        updateLane<Format, Stochastic, Given>(piece, i + j + lane, lane, partial, out);
    if (i % (1 << 14) == 0) // floats count no further
      partial.flush(sums, overflow);
  }
  for (; i < piece.count; ++i)
    updateLane<Format, Stochastic, Given>(piece, i, 0, partial, out);
  partial.flush(sums, overflow);
  sums.elements = piece.count;
  return sums;
}

template <typename Format> MLORA_INLINE void storePlain(const StorePiece &piece, bool &overflow) {
  auto *out = reinterpret_cast<typename Format::Stored *>(piece.out);
  int32_t found[lanes] = {};
  auto one = [&](int64_t i, int64_t lane) __attribute__((always_inline)) {
    float stored = Format::nearest(piece.weight[i]);
    found[lane] |= int32_t(isFinite(piece.weight[i])) & int32_t(!isFinite(stored));
    out[i] = Format::encode(stored);
  };
  int64_t i = 0;
  for (; i + lanes <= piece.count; i += lanes)
    for (int64_t lane = 0; lane < lanes; ++lane)
      one(i + lane, lane);
  for (; i < piece.count; ++i)
    one(i, 0);
  for (int32_t each : found)
    overflow |= each != 0;
}

template <typename Format> MLORA_INLINE UpdateSums storeAs(const StorePiece &piece, bool &overflow) {
  if (!piece.update) {
    storePlain<Format>(piece, overflow);
    return {};
  }
  if (piece.result)
    return piece.stochastic ? storeUpdated<Format, true, true>(piece, overflow)
                            : storeUpdated<Format, false, true>(piece, overflow);
  return piece.stochastic ? storeUpdated<Format, true, false>(piece, overflow)
                          : storeUpdated<Format, false, false>(piece, overflow);
}

constexpr int64_t block = 32, blockBytes = 34;

/// ggml's Q8_0: d = max |x| / 127 as half, q = x / d rounded half away from zero. `shift` in [0, 1) per
/// element, where given, replaces that: floor(x / d + shift). What is stored comes back in `values`.
bool quantize(const float *x, const float *shift, uint8_t *out, float *values) {
  float largest = 0, total = 0;
  for (int64_t j = 0; j < block; ++j) {
    largest = std::max(largest, std::abs(x[j]));
    total += std::abs(x[j]);
  }
  if (!isFinite(total)) { // infinities and NaNs have no q
    std::memset(out, 0, blockBytes);
    std::fill_n(values, block, 0.0f);
    return false;
  }
  float d = largest / 127, inverse = d ? 1 / d : 0;
  uint16_t half = floatToHalf(d);
  std::memcpy(out, &half, 2);
  float scale = halfToFloat(half);
  for (int64_t j = 0; j < block; ++j) {
    float scaled = x[j] * inverse;
    float q = shift
                  ? std::clamp(std::floor(scaled + shift[j]), -127.0f, 127.0f)
                  : std::copysign(static_cast<float>(static_cast<int32_t>(std::abs(scaled) + 0.5f)), scaled);
    out[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(q));
    values[j] = scale * q;
  }
  return isFinite(scale);
}

MLORA_INLINE UpdateSums storeQ8(const StorePiece &piece, bool &overflow) {
  UpdateSums sums;
  float sum[block], before[block], after[block], shift[block];
  uint8_t unused[blockBytes];
  for (int64_t i = 0; i < piece.count; i += block) {
    uint8_t *out = piece.out + i / block * blockBytes;
    if (!piece.update) {
      overflow |= !quantize(piece.weight + i, nullptr, out, after);
      continue;
    }
    for (int64_t j = 0; j < block; ++j) {
      sum[j] = piece.result ? piece.result[i + j] : piece.weight[i + j] + piece.update[i + j];
      shift[j] = static_cast<float>(randomWord(piece.key, uint32_t(piece.first + i + j)) >> 8) * 0x1p-24f;
    }
    quantize(piece.weight + i, nullptr, unused, before);
    overflow |= !quantize(sum, piece.stochastic ? shift : nullptr, out, after);
    for (int64_t j = 0; j < block; ++j) {
      float delta = piece.update[i + j], moved = after[j] - before[j];
      sums.update += double(delta) * delta;
      sums.lost += double(moved - delta) * (moved - delta);
      sums.along += double(moved) * delta;
      sums.changed += after[j] != before[j];
    }
    sums.elements += block;
  }
  return sums;
}

MLORA_INLINE UpdateSums storeAny(StoreFormat format, const StorePiece &piece, bool &overflow) {
  switch (format) {
  case StoreFormat::F32:
    return storeAs<ToF32>(piece, overflow);
  case StoreFormat::F16:
    return storeAs<ToF16>(piece, overflow);
  case StoreFormat::BF16:
    return storeAs<ToBF16>(piece, overflow);
  case StoreFormat::Q8_0:
    return storeQ8(piece, overflow);
  }
  return {};
}

#if defined(__x86_64__)
// Vectors of eight instead of four; contraction is off, so that both give the same bits.
__attribute__((target("avx2"))) UpdateSums storeByAvx2(StoreFormat format, const StorePiece &piece,
                                                       bool &overflow) {
  return storeAny(format, piece, overflow);
}
#endif

} // namespace

UpdateSums storePiece(StoreFormat format, const StorePiece &piece, bool &overflow) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2"))
    return storeByAvx2(format, piece, overflow);
#endif
  return storeAny(format, piece, overflow);
}

void UpdateSums::add(const UpdateSums &other) {
  update += other.update;
  lost += other.lost;
  along += other.along;
  changed += other.changed;
  elements += other.elements;
}

static constexpr const char *names[] = {"F32", "F16", "BF16", "Q8_0"};

StoreFormat storeFormat(const std::string &dtype) {
  for (size_t i = 0; i < std::size(names); ++i)
    if (dtype == names[i])
      return StoreFormat(i);
  failed("weights cannot be stored as " + dtype);
}

const char *storeName(StoreFormat format) { return names[size_t(format)]; }

} // namespace mlora
