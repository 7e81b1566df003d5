// Values of generated matrix products: sizes around tiles, panels, stripes and depths, views, factors, and
// what lies beside them.
#include "CompiledKernel.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlora;

namespace {

std::vector<float> noise(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (float &value : values) {
    seed = seed * 1664525 + 1013904223;
    value = float(int32_t(seed >> 8) % 2001 - 1000) / 1000;
  }
  return values;
}

/// All four products of matrices that lie in wider buffers; sizes come as scalars, so that one kernel does
/// for all.
class Products {
public:
  /// `buffers` are a, b, c, factors {alpha, beta}; sizes m, n, k lie in `sizes`.
  static constexpr int64_t kWidth = 2200;

  explicit Products(const std::string &schedule) {
    auto kernel = [&](bool transposeA, bool transposeB) {
      auto view = [](std::string name, std::string rows, std::string columns) {
        return "%" + name + "v = memref.subview %" + name + "[1, 3] [%" + rows + ", %" + columns +
               "] [1, 1] : memref<?x2200xf32> to memref<?x?xf32, strided<[2200, 1], offset: 2203>>\n";
      };
      std::string size;
      for (auto [name, at] : {std::pair("m", "0"), {"n", "1"}, {"k", "2"}})
        size += std::string("%at") + name + " = arith.constant " + at + " : index\n%i" + name +
                " = memref.load %sizes[%at" + name + "] : memref<3xi32>\n%" + name +
                "_ = arith.index_cast %i" + name + " : i32 to index\n";
      std::string type = "memref<?x?xf32, strided<[2200, 1], offset: 2203>>";
      return new CompiledKernel(
          "%a: memref<?x2200xf32>, %b: memref<?x2200xf32>, %c: memref<?x2200xf32>, %factors: memref<2xf32>, "
          "%sizes: memref<3xi32>",
          size + view("a", transposeA ? "k_" : "m_", transposeA ? "m_" : "k_") +
              view("b", transposeB ? "n_" : "k_", transposeB ? "k_" : "n_") + view("c", "m_", "n_") +
              "%alpha = memref.load %factors[%c0] : memref<2xf32>\n%beta = memref.load %factors[%c1] : "
              "memref<2xf32>\n"
              "mlora.gemm " +
              (transposeA ? "transposed " : "") + "%av, " + (transposeB ? "transposed " : "") +
              "%bv into %cv alpha %alpha beta %beta : " + type + ", " + type + ", " + type,
          schedule);
    };
    for (int i = 0; i < 4; ++i)
      kernels[i].reset(kernel(i & 2, i & 1));
  }

  void check(int64_t m, int64_t n, int64_t k, float alpha = 1, float beta = 0) {
    for (int i = 0; i < 4; ++i) {
      bool transposeA = i & 2, transposeB = i & 1;
      SCOPED_TRACE(std::string(transposeA ? "t" : "n") + (transposeB ? "t " : "n ") + std::to_string(m) +
                   " " + std::to_string(n) + " " + std::to_string(k) + " beta " + std::to_string(beta));
      ASSERT_EQ(kernels[i]->messages, "");
      // Exactly the rows that the matrices have, so that reading past them is seen by tools, and one around
      // C.
      auto a = noise(size_t((transposeA ? k : m) + 1) * kWidth, 1),
           b = noise(size_t((transposeB ? n : k) + 1) * kWidth, 2);
      std::vector<float> before = noise(size_t(m + 2) * kWidth, 3), c = before;
      if (beta == 0) // must not be read
        for (int64_t r = 0; r < m; ++r)
          for (int64_t s = 0; s < n; ++s)
            c[size_t((r + 1) * kWidth + 3 + s)] = NAN;
      float factors[2] = {alpha, beta};
      int32_t sizes[3] = {int32_t(m), int32_t(n), int32_t(k)};
      (*kernels[i])({a.data(), b.data(), c.data(), factors, sizes}, 0);
      auto at = [](int64_t r, int64_t s) { return size_t((r + 1) * kWidth + 3 + s); };
      for (int64_t r = -1; r <= m; ++r)
        for (int64_t s = -1; s <= n; ++s) {
          if (r < 0 || s < 0 || r == m || s == n) {
            ASSERT_EQ(c[at(r, s)], before[at(r, s)]) << r << " " << s << " was touched";
            continue;
          }
          double want = 0, size = 0;
          for (int64_t l = 0; l < k; ++l) {
            double term =
                double(a[transposeA ? at(l, r) : at(r, l)]) * double(b[transposeB ? at(s, l) : at(l, s)]);
            want += term;
            size += std::abs(term);
          }
          want = alpha * want + (beta == 0 ? 0 : beta * double(before[at(r, s)]));
          ASSERT_NEAR(c[at(r, s)], want, 1e-6 * (1 + std::abs(alpha) * size)) << r << " " << s;
        }
    }
  }

  std::unique_ptr<CompiledKernel> kernels[4];
};

/// With the tiles of AVX-512, of AVX2, and a depth small enough to be cut often.
class Gemm : public testing::TestWithParam<const char *> {
protected:
  Products products{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Schedules, Gemm,
                         testing::Values("rows=8 panels=3", "rows=6 panels=1", "rows=3 panels=2 depth=48"));

} // namespace

TEST_P(Gemm, SizesAroundTilesPanelsAndStripes) {
  for (int64_t m : {1, 2, 4, 5, 6, 7, 8, 9, 13, 16, 19})
    for (int64_t n : {1, 5, 15, 16, 17, 32, 33, 47, 48, 49, 64, 65, 96, 100})
      products.check(m, n, 21);
  for (int64_t k : {1, 2, 15, 16, 17, 31, 32, 33, 64, 100})
    for (int64_t n : {3, 16, 49})
      products.check(9, n, k);
}

TEST_P(Gemm, DepthsAreCut) {
  for (int64_t k : {1023, 1024, 1025, 1500, 2049, 2190})
    for (int64_t m : {3, 10})
      products.check(m, 50, k);
}

TEST_P(Gemm, FactorsScaleAndAdd) {
  for (float alpha : {1.f, 0.125f, -2.f})
    for (float beta : {0.f, 1.f, 0.5f})
      for (int64_t m : {2, 11})
        for (int64_t k : {7, 1100})
          products.check(m, 37, k, alpha, beta);
}

TEST_P(Gemm, EmptyMatricesChangeNothing) {
  products.check(0, 5, 5);
  products.check(5, 0, 5);
}

TEST_P(Gemm, NothingToSumIsZero) {
  products.check(2, 5, 0);
  products.check(9, 50, 0);
  products.check(9, 50, 0, 1, 0.5f);
}

/// A row's bits do not depend on which rows are computed with it, as long as they are more than a few.
TEST_P(Gemm, BitsOfARowDoNotDependOnTheBlock) {
  const int64_t width = Products::kWidth, n = 53, k = 1200;
  auto a = noise(size_t(40 * width), 1), b = noise(size_t((k + 1) * width), 2);
  auto run = [&](int kernel, int64_t first, int64_t m) {
    std::vector<float> c(size_t((m + 1) * width));
    float factors[2] = {1, 0};
    int32_t sizes[3] = {int32_t(m), int32_t(n), int32_t(k)};
    (*products.kernels[kernel])({a.data() + first * width, b.data(), c.data(), factors, sizes}, 0);
    return c;
  };
  for (int kernel : {0, 1}) {
    std::vector<float> all = run(kernel, 0, 30);
    for (int64_t first : {0, 3, 8, 13, 25})
      for (int64_t m : {5, 8, 14}) {
        if (first + m > 30)
          continue;
        std::vector<float> part = run(kernel, first, m);
        for (int64_t r = 1; r <= m; ++r)
          for (int64_t s = 0; s < n; ++s)
            ASSERT_EQ(part[size_t(r * width + 3 + s)], all[size_t((first + r) * width + 3 + s)])
                << kernel << " " << r << " " << s;
      }
  }
}
