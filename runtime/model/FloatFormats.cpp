#include "mlora/Runtime/Model/FloatFormats.h"

#include <algorithm>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlora {
namespace {

// Loops over a constant number of elements are what compilers vectorise at -O2.
constexpr int64_t step = 64;

template <typename From, typename To, typename Convert>
void convert(const From *source, int64_t count, To *out, Convert one) {
  int64_t i = 0;
  for (; i + step <= count; i += step)
    for (int64_t j = 0; j < step; ++j)
      out[i + j] = one(source, i + j);
  for (; i < count; ++i)
    out[i] = one(source, i);
}

uint16_t load16(const uint8_t *bytes, int64_t index) {
  uint16_t value;
  std::memcpy(&value, bytes + 2 * index, 2);
  return value;
}

#if defined(__x86_64__)
__attribute__((target("avx2,f16c"))) int64_t halvesByHardware(const uint8_t *halves, int64_t count,
                                                              float *out) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i *>(halves + 2 * i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(eight));
  }
  return i;
}
#endif

} // namespace

void halvesToFloats(const uint8_t *halves, int64_t count, float *out) {
  int64_t done = 0;
#if defined(__x86_64__)
  // Every processor with AVX2 has F16C.
  if (__builtin_cpu_supports("avx2"))
    done = halvesByHardware(halves, count, out);
#endif
  convert(halves + 2 * done, count - done, out + done,
          [](const uint8_t *source, int64_t i) { return halfToFloat(load16(source, i)); });
}

void bfloatsToFloats(const uint8_t *bfloats, int64_t count, float *out) {
  convert(bfloats, count, out,
          [](const uint8_t *source, int64_t i) { return bfloatToFloat(load16(source, i)); });
}

void floatsToHalves(const float *values, int64_t count, uint16_t *out) {
  convert(values, count, out, [](const float *source, int64_t i) { return floatToHalf(source[i]); });
}

void floatsToBfloats(const float *values, int64_t count, uint16_t *out) {
  convert(values, count, out, [](const float *source, int64_t i) { return floatToBfloat(source[i]); });
}

} // namespace mlora
