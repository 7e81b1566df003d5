#include "../Expect.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlora;

static const std::filesystem::path goldens = std::filesystem::path(MLORA_SHARED) / "data/goldens/gguf-types";

// Every block type, bit for bit as gguf-py's dequantize gives it.
TEST(GgufTypes, EqualGoldensBitForBit) {
  if (!std::filesystem::exists(goldens))
    GTEST_SKIP() << goldens << " is absent";
  GgufFile file(goldens / "all-types.gguf");
  SafetensorsFile expected(goldens / "expected.safetensors");
  EXPECT_EQ(file.tensors().size(), 13u);
  EXPECT_EQ(file.tensors().size(), expected.tensors().size());
  for (const GgufTensor &tensor : file.tensors()) {
    std::vector<float> values(tensor.rows() * tensor.columns()), reference = expected.floats(tensor.name);
    ASSERT_EQ(tensor.shape, expected.get(tensor.name).shape);
    file.readRows(tensor, 0, tensor.rows(), values.data());
    EXPECT_EQ(std::memcmp(values.data(), reference.data(), 4 * values.size()), 0) << tensor.name;
    std::vector<float> row(tensor.columns());
    file.readRows(tensor, 2, 1, row.data());
    EXPECT_EQ(std::memcmp(row.data(), reference.data() + 2 * row.size(), 4 * row.size()), 0) << tensor.name;
  }
}

// Value of a half by its definition.
static double halfByDefinition(int half) {
  int exponent = half >> 10 & 31, mantissa = half & 1023;
  double magnitude = exponent == 0    ? std::ldexp(mantissa, -24)
                     : exponent == 31 ? std::numeric_limits<double>::infinity()
                                      : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(FloatFormats, EveryHalf) {
  std::vector<uint16_t> halves(65536 + 1);
  for (int i = 0; i < 65536; ++i)
    halves[i + 1] = static_cast<uint16_t>(i);
  std::vector<float> values(65536);
  halvesToFloats(reinterpret_cast<uint8_t *>(halves.data() + 1), 65536, values.data());
  for (int i = 0; i < 65536; ++i) {
    bool nan = (i & 0x7c00) == 0x7c00 && (i & 1023);
    EXPECT_EQ(std::isnan(values[i]), nan);
    EXPECT_EQ(std::isnan(halfToFloat(static_cast<uint16_t>(i))), nan);
    if (nan)
      continue;
    float expected = static_cast<float>(halfByDefinition(i));
    EXPECT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(expected)) << i;
    EXPECT_EQ(std::bit_cast<uint32_t>(halfToFloat(static_cast<uint16_t>(i))),
              std::bit_cast<uint32_t>(expected))
        << i;
  }
}

TEST(FloatFormats, BfloatsRoundToEven) {
  EXPECT_EQ(floatToBfloat(1.0f), 0x3f80);
  EXPECT_EQ(floatToBfloat(std::bit_cast<float>(0x3f808000u)), 0x3f80); // a tie, to even
  EXPECT_EQ(floatToBfloat(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(floatToBfloat(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(floatToBfloat(std::bit_cast<float>(0x7f7fffffu)), 0x7f80); // beyond the largest: infinity
  EXPECT_TRUE(std::isnan(bfloatToFloat(floatToBfloat(std::bit_cast<float>(0x7f800001u)))));
  std::vector<uint16_t> all(65536), back(65536);
  std::vector<float> floats(65536);
  for (int i = 0; i < 65536; ++i)
    all[i] = static_cast<uint16_t>(i);
  bfloatsToFloats(reinterpret_cast<uint8_t *>(all.data()), 65536, floats.data());
  floatsToBfloats(floats.data(), 65536, back.data());
  for (int i = 0; i < 65536; ++i)
    EXPECT_TRUE(back[i] == i || std::isnan(floats[i])) << i;
}
