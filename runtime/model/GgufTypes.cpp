// Each decoder does its arithmetic in ggml's order, in f32, with no product fused into a sum: the values are
// gguf-py's bit for bit (unit/model/GgufTypesTest.cpp).
#include "mlora/Runtime/Model/GgufTypes.h"

#include "mlora/Runtime/Model/FloatFormats.h"

#include <cstring>

namespace mlora {
namespace {

float halfAt(const uint8_t *bytes) {
  uint16_t half;
  std::memcpy(&half, bytes, 2);
  return halfToFloat(half);
}

// A statement of its own: within one expression a compiler may contract a·b + c and round once instead of
// twice.
float product(float a, float b) {
  float value = a * b;
  return value;
}

void decodeF32(const uint8_t *data, int64_t blocks, float *out) { std::memcpy(out, data, 4 * blocks); }
void decodeF16(const uint8_t *data, int64_t blocks, float *out) { halvesToFloats(data, blocks, out); }
void decodeBF16(const uint8_t *data, int64_t blocks, float *out) { bfloatsToFloats(data, blocks, out); }

// Low nibbles are elements 0 to 15, high nibbles 16 to 31.
void decodeQ4_0(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 18, out += 32) {
    float d = halfAt(data);
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>((data[2 + j] & 15) - 8);
      out[j + 16] = d * static_cast<float>((data[2 + j] >> 4) - 8);
    }
  }
}

void decodeQ4_1(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 20, out += 32) {
    float d = halfAt(data), m = halfAt(data + 2);
    for (int j = 0; j < 16; ++j) {
      out[j] = product(d, static_cast<float>(data[4 + j] & 15)) + m;
      out[j + 16] = product(d, static_cast<float>(data[4 + j] >> 4)) + m;
    }
  }
}

// The fifth bit of element j is bit j of a 32-bit word in front of the nibbles.
void fiveBits(const uint8_t *bits, const uint8_t *nibbles, int *out) {
  uint32_t fifth;
  std::memcpy(&fifth, bits, 4);
  for (int j = 0; j < 16; ++j) {
    out[j] = (nibbles[j] & 15) | static_cast<int>(((fifth >> j) & 1) << 4);
    out[j + 16] = (nibbles[j] >> 4) | static_cast<int>(((fifth >> (j + 16)) & 1) << 4);
  }
}

void decodeQ5_0(const uint8_t *data, int64_t blocks, float *out) {
  int q[32];
  for (; blocks--; data += 22, out += 32) {
    float d = halfAt(data);
    fiveBits(data + 2, data + 6, q);
    for (int j = 0; j < 32; ++j)
      out[j] = d * static_cast<float>(q[j] - 16);
  }
}

void decodeQ5_1(const uint8_t *data, int64_t blocks, float *out) {
  int q[32];
  for (; blocks--; data += 24, out += 32) {
    float d = halfAt(data), m = halfAt(data + 2);
    fiveBits(data + 4, data + 8, q);
    for (int j = 0; j < 32; ++j)
      out[j] = product(d, static_cast<float>(q[j])) + m;
  }
}

void decodeQ8_0(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 34, out += 32) {
    float d = halfAt(data);
    for (int j = 0; j < 32; ++j)
      out[j] = d * static_cast<float>(static_cast<int8_t>(data[2 + j]));
  }
}

// 16 × (4-bit scale, 4-bit minimum), 64 bytes of 2-bit quants, f16 d, f16 dmin. Each half of 128 elements is
// 32 bytes, whose bit pairs from low to high are four runs of 32.
void decodeQ2_K(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 84) {
    float d = halfAt(data + 80), dmin = halfAt(data + 82);
    for (int run = 0; run < 16; ++run, out += 16) {
      float scale = d * static_cast<float>(data[run] & 15),
            minimum = dmin * static_cast<float>(data[run] >> 4);
      const uint8_t *quants = data + 16 + run / 8 * 32 + run % 2 * 16;
      int shift = run % 8 / 2 * 2;
      for (int j = 0; j < 16; ++j)
        out[j] = product(scale, static_cast<float>((quants[j] >> shift) & 3)) - minimum;
    }
  }
}

// 32 bytes of third bits (bit k of byte j: element 32 k + j; a zero bit subtracts 4), 64 bytes of 2-bit
// quants as in Q2_K, 12 bytes of 6-bit scales, f16 d.
void decodeQ3_K(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 110) {
    const uint8_t *third = data, *packed = data + 96;
    float d = halfAt(data + 108);
    for (int run = 0; run < 16; ++run, out += 16) {
      int low = (packed[run % 8] >> (run / 8 * 4)) & 15;
      int high = (packed[8 + run % 4] >> (run / 4 * 2)) & 3;
      float scale = d * static_cast<float>((low | high << 4) - 32);
      const uint8_t *quants = data + 32 + run / 8 * 32 + run % 2 * 16;
      const uint8_t *bits = third + run % 2 * 16;
      int shift = run % 8 / 2 * 2, bit = run / 2;
      for (int j = 0; j < 16; ++j) {
        int q = ((quants[j] >> shift) & 3) - (((bits[j] >> bit) & 1) ? 0 : 4);
        out[j] = scale * static_cast<float>(q);
      }
    }
  }
}

// Scale and minimum j of the 8 pairs of 6 bits in the 12 bytes of Q4_K and Q5_K.
struct ScaleAndMinimum {
  int scale, minimum;
};
ScaleAndMinimum sixBits(const uint8_t *s, int j) {
  if (j < 4)
    return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | (s[j - 4] >> 6) << 4, (s[j + 4] >> 4) | (s[j] >> 6) << 4};
}

// f16 d, f16 dmin, scales, 128 bytes: each 32 bytes hold two sub-blocks of 32, low nibbles first.
void decodeQ4_K(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 144) {
    float d = halfAt(data), dmin = halfAt(data + 2);
    for (int sub = 0; sub < 8; ++sub, out += 32) {
      auto [scale, minimum] = sixBits(data + 4, sub);
      float ds = d * static_cast<float>(scale), dm = dmin * static_cast<float>(minimum);
      const uint8_t *quants = data + 16 + sub / 2 * 32;
      int shift = sub % 2 * 4;
      for (int j = 0; j < 32; ++j)
        out[j] = product(ds, static_cast<float>((quants[j] >> shift) & 15)) - dm;
    }
  }
}

// As Q4_K, with 32 bytes between: bit k of byte j is the fifth bit of element j of sub-block k.
void decodeQ5_K(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 176) {
    float d = halfAt(data), dmin = halfAt(data + 2);
    for (int sub = 0; sub < 8; ++sub, out += 32) {
      auto [scale, minimum] = sixBits(data + 4, sub);
      float ds = d * static_cast<float>(scale), dm = dmin * static_cast<float>(minimum);
      const uint8_t *fifth = data + 16, *quants = data + 48 + sub / 2 * 32;
      int shift = sub % 2 * 4;
      for (int j = 0; j < 32; ++j) {
        int q = ((quants[j] >> shift) & 15) | ((fifth[j] >> sub) & 1) << 4;
        out[j] = product(ds, static_cast<float>(q)) - dm;
      }
    }
  }
}

// ql[128], qh[64], 16 × i8 scales, f16 d. Each half of 128 elements: 64 bytes of ql (low nibbles are elements
// 0 to 63, high ones 64 to 127), 32 bytes of qh whose bit pairs are four runs of 32.
void decodeQ6_K(const uint8_t *data, int64_t blocks, float *out) {
  for (; blocks--; data += 210) {
    float d = halfAt(data + 208);
    for (int run = 0; run < 16; ++run, out += 16) {
      float scale = d * static_cast<float>(static_cast<int8_t>(data[192 + run]));
      int half = run / 8, within = run % 8;
      const uint8_t *low = data + half * 64 + within % 4 * 16;
      const uint8_t *high = data + 128 + half * 32 + within % 2 * 16;
      int lowShift = within / 4 * 4, highShift = within / 2 * 2;
      for (int j = 0; j < 16; ++j) {
        int q = ((low[j] >> lowShift) & 15) | ((high[j] >> highShift) & 3) << 4;
        out[j] = scale * static_cast<float>(q - 32);
      }
    }
  }
}

constexpr GgufType types[] = {
    {0, "F32", 1, 4, decodeF32},        {1, "F16", 1, 2, decodeF16},
    {30, "BF16", 1, 2, decodeBF16},     {2, "Q4_0", 32, 18, decodeQ4_0},
    {3, "Q4_1", 32, 20, decodeQ4_1},    {6, "Q5_0", 32, 22, decodeQ5_0},
    {7, "Q5_1", 32, 24, decodeQ5_1},    {8, "Q8_0", 32, 34, decodeQ8_0},
    {10, "Q2_K", 256, 84, decodeQ2_K},  {11, "Q3_K", 256, 110, decodeQ3_K},
    {12, "Q4_K", 256, 144, decodeQ4_K}, {13, "Q5_K", 256, 176, decodeQ5_K},
    {14, "Q6_K", 256, 210, decodeQ6_K},
};

// Known by name, so that a message can say what a file holds.
constexpr struct {
  uint32_t id;
  const char *name;
} otherTypes[] = {
    {4, "Q4_2"},     {5, "Q4_3"},   {9, "Q8_1"},    {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"},
    {24, "I8"},      {25, "I16"},   {26, "I32"},    {27, "I64"},   {28, "F64"},     {29, "IQ1_M"},
    {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"},
};

} // namespace

const GgufType *findGgufType(uint32_t id) {
  for (const GgufType &type : types)
    if (type.id == id)
      return &type;
  return nullptr;
}

const GgufType *findGgufType(std::string_view name) {
  for (const GgufType &type : types)
    if (type.name == name)
      return &type;
  return nullptr;
}

std::string ggufTypeName(uint32_t id) {
  if (const GgufType *type = findGgufType(id))
    return type->name;
  for (const auto &type : otherTypes)
    if (type.id == id)
      return type.name;
  return "type " + std::to_string(id);
}

} // namespace mlora
