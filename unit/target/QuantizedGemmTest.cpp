// Products with weights stored in blocks: the values that blocks stand for are those of the runtime's
// decoders (which are gguf-py's, bit for bit), sums those of the same product of f32.
#include "../model/RandomBlocks.h"
#include "CompiledKernel.h"
#include "mlora/Runtime/Model/BlockFormats.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/GgufTypes.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace mlora;
using mlora::test::randomBlocks;

namespace {

const GgufType &typeOf(const BlockFormat &format) {
  for (uint32_t id = 0; id < 64; ++id)
    if (const GgufType *type = findGgufType(id); type && type->name == format.name)
      return *type;
  throw std::logic_error("no GGUF type " + std::string(format.name));
}

std::vector<float> valuesOf(const BlockFormat &format, const std::vector<uint8_t> &bytes) {
  const GgufType &type = typeOf(format);
  int64_t blocks = int64_t(bytes.size()) / type.blockBytes;
  std::vector<float> values(size_t(blocks * type.blockValues));
  type.decode(bytes.data(), blocks, values.data());
  return values;
}

std::vector<float> noise(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (float &value : values) {
    seed = seed * 1664525 + 1013904223;
    value = float(int32_t(seed >> 8) % 2001 - 1000) / 1000;
  }
  return values;
}

/// c [m, n] = a [m, k] · bᵀ, b [n, k] of blocks or of f32; n and k are static, m is the kernel's first
/// scalar.
std::string productOf(const std::string &format, int64_t n, int64_t k, int64_t rowBytes) {
  bool isBlocks = !format.empty();
  std::string aType = "memref<?x" + std::to_string(k) + "xf32>",
              bType = "memref<" + std::to_string(n) + "x" + std::to_string(isBlocks ? rowBytes : k) +
                      (isBlocks ? "xi8>" : "xf32>"),
              cType = "memref<?x" + std::to_string(n) + "xf32>";
  auto rows = [](const std::string &name, const std::string &type, int64_t columns) {
    std::string view =
        "memref<?x" + std::to_string(columns) + "xf32, strided<[" + std::to_string(columns) + ", 1]>>";
    return "%" + name + "v = memref.subview %" + name + "[0, 0] [%n, " + std::to_string(columns) +
           "] [1, 1] : " + type + " to " + view + "\n";
  };
  auto view = [](int64_t columns) {
    return "memref<?x" + std::to_string(columns) + "xf32, strided<[" + std::to_string(columns) + ", 1]>>";
  };
  return rows("a", aType, k) + rows("c", cType, n) +
         "%alpha = memref.load %factors[%c0] : memref<2xf32>\n%beta = memref.load %factors[%c1] : "
         "memref<2xf32>\n"
         "mlora.gemm %av, transposed %b " +
         (isBlocks ? "of \"" + format + "\" " : "") + "into %cv alpha %alpha beta %beta : " + view(k) + ", " +
         bType + ", " + view(n);
}

struct Product {
  Product(const std::string &format, int64_t n, int64_t k, int64_t rowBytes)
      : kernel("%a: memref<?x" + std::to_string(k) + "xf32>, %b: memref<" + std::to_string(n) + "x" +
                   (format.empty() ? std::to_string(k) + "xf32" : std::to_string(rowBytes) + "xi8") +
                   ">, %c: memref<?x" + std::to_string(n) + "xf32>, %factors: memref<2xf32>",
               productOf(format, n, k, rowBytes)),
        n(n), k(k) {}

  std::vector<float> run(const std::vector<float> &a, const void *b, int64_t m, float alpha, float beta) {
    std::vector<float> c = noise(size_t(m * n), 7);
    if (beta == 0) // must not be read
      std::fill(c.begin(), c.end(), NAN);
    float factors[2] = {alpha, beta};
    kernel({const_cast<float *>(a.data()), const_cast<void *>(b), c.data(), factors}, m);
    return c;
  }

  CompiledKernel kernel;
  int64_t n, k;
};

class QuantizedGemm : public testing::TestWithParam<BlockFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, QuantizedGemm, testing::ValuesIn(blockFormats),
                         [](const auto &instance) { return std::string(instance.param.name); });

} // namespace

TEST_P(QuantizedGemm, TheRuntimeHasTheSameBlocks) {
  EXPECT_EQ(typeOf(GetParam()).blockValues * (GetParam().values / typeOf(GetParam()).blockValues),
            GetParam().values);
  EXPECT_EQ(typeOf(GetParam()).blockBytes * (GetParam().values / typeOf(GetParam()).blockValues),
            GetParam().bytes);
}

/// Row i of b against a row that is 1 at j and 0 elsewhere is value j itself: bit for bit the decoder's.
TEST_P(QuantizedGemm, ValuesAreTheDecodersBits) {
  BlockFormat format = GetParam();
  const int64_t n = 37, k = 256, blocks = k / format.values;
  std::vector<uint8_t> bytes = randomBlocks(format, n * blocks, 3);
  std::vector<float> values = valuesOf(format, bytes);
  Product product(std::string(format.name), n, k, blocks * format.bytes);
  ASSERT_EQ(product.kernel.messages, "");
  for (int64_t m : {int64_t(1), k}) // in registers, and by a stripe
    for (int64_t j = 0; j < k; j += m) {
      std::vector<float> a(size_t(m * k));
      for (int64_t i = 0; i < m; ++i)
        a[size_t(i * k + j + i)] = 1;
      std::vector<float> c = product.run(a, bytes.data(), m, 1, 0);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t row = 0; row < n; ++row)
          ASSERT_EQ(c[size_t(i * n + row)], values[size_t(row * k + j + i)])
              << "value " << j + i << " of row " << row;
    }
}

/// Few rows and many, with the rest of a stripe, and a depth that is cut: the bits of the product of f32,
/// which sums in the same order, for as few rows as that takes one by one.
TEST_P(QuantizedGemm, SumsAreThoseOfTheProductOfF32) {
  BlockFormat format = GetParam();
  const int64_t n = 101, k = 1536, blocks = k / format.values;
  std::vector<uint8_t> bytes = randomBlocks(format, n * blocks, 5);
  std::vector<float> values = valuesOf(format, bytes);
  Product product(std::string(format.name), n, k, blocks * format.bytes), dense("", n, k, 0);
  ASSERT_EQ(product.kernel.messages, "");
  ASSERT_EQ(dense.kernel.messages, "");
  for (int64_t m : {1, 2, 3, 4, 5, 7, 8, 9, 20})
    for (auto [alpha, beta] : {std::pair(1.f, 0.f), {0.5f, 1.f}, {-2.f, 0.5f}}) {
      std::vector<float> a = noise(size_t(m * k), uint32_t(m));
      std::vector<float> c = product.run(a, bytes.data(), m, alpha, beta),
                         want = dense.run(a, values.data(), m, alpha, beta);
      // In another order sums differ by what rounding their terms comes to.
      bool isSameOrder = m <= 4 || m > 8;
      for (size_t i = 0; i < c.size(); ++i) {
        double size = 1;
        for (int64_t l = 0; !isSameOrder && l < k; ++l)
          size += std::abs(double(a[i / size_t(n) * size_t(k) + size_t(l)]) *
                           double(values[i % size_t(n) * size_t(k) + size_t(l)]));
        if (isSameOrder)
          ASSERT_EQ(c[i], want[i]) << m << " rows, element " << i;
        else
          ASSERT_NEAR(c[i], want[i], 1e-6 * (1 + std::abs(alpha)) * size) << m << " rows, element " << i;
      }
    }
}

/// A row's bits do not depend on the others that are computed with it, as long as all are few.
TEST_P(QuantizedGemm, BitsOfARowDoNotDependOnTheOthers) {
  BlockFormat format = GetParam();
  const int64_t n = 50, k = 512, blocks = k / format.values;
  std::vector<uint8_t> bytes = randomBlocks(format, n * blocks, 11);
  Product product(std::string(format.name), n, k, blocks * format.bytes);
  ASSERT_EQ(product.kernel.messages, "");
  std::vector<float> a = noise(size_t(8 * k), 1), all = product.run(a, bytes.data(), 8, 1, 0);
  for (int64_t i = 0; i < 8; ++i) {
    std::vector<float> row(a.begin() + i * k, a.begin() + (i + 1) * k);
    std::vector<float> alone = product.run(row, bytes.data(), 1, 1, 0);
    for (int64_t j = 0; j < n; ++j)
      ASSERT_EQ(alone[size_t(j)], all[size_t(i * n + j)]) << "row " << i << ", column " << j;
  }
}
