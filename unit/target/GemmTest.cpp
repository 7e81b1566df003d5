// Values of generated matrix products: sizes around tiles, panels, stripes and depths, views, factors, and
// what lies beside them.
#include "CompiledKernel.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

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

/// Floats that end where no one may read: one past them faults.
class Guarded {
public:
  explicit Guarded(std::vector<float> values) : count(values.size()) {
    size_t page = size_t(sysconf(_SC_PAGESIZE)), bytes = count * sizeof(float);
    size_t readable = (bytes + page - 1) / page * page;
    mapped = readable + page;
    base = static_cast<char *>(
        mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base == MAP_FAILED || mprotect(base + readable, page, PROT_NONE) != 0)
      std::abort();
    first = reinterpret_cast<float *>(base + readable - bytes);
    std::copy(values.begin(), values.end(), first);
  }
  ~Guarded() { munmap(base, mapped); }
  Guarded(const Guarded &) = delete;

  float *data() { return first; }
  float operator[](size_t i) const { return first[i]; }

private:
  size_t count, mapped;
  char *base;
  float *first;
};

/// All four products; sizes come as scalars, so that one kernel does for all.
class Products {
public:
  /// Strided: the matrices lie at row 1, column 3 of buffers this wide. Tight: they are whole buffers with
  /// nothing between their rows.
  enum Layout { Strided, Tight };
  static constexpr int64_t kWidth = 2200;

  /// The kernels' buffers are a, b, c, factors {alpha, beta}; sizes m, n, k lie in `sizes`.
  explicit Products(const std::string &schedule, Layout layout = Strided) : layout(layout) {
    bool isTight = layout == Tight;
    std::string type =
        isTight ? "memref<?x?xf32, strided<[?, 1]>>" : "memref<?x?xf32, strided<[2200, 1], offset: 2203>>";
    std::string buffer = isTight ? "memref<?xf32>" : "memref<?x2200xf32>";
    auto view = [&](std::string name, std::string rows, std::string columns) {
      if (isTight)
        return "%" + name + "v = memref.reinterpret_cast %" + name + " to offset: [0], sizes: [%" + rows +
               ", %" + columns + "], strides: [%" + columns + ", 1] : " + buffer + " to " + type + "\n";
      return "%" + name + "v = memref.subview %" + name + "[1, 3] [%" + rows + ", %" + columns +
             "] [1, 1] : " + buffer + " to " + type + "\n";
    };
    auto kernel = [&](bool transposeA, bool transposeB) {
      std::string size;
      for (auto [name, at] : {std::pair("m", "0"), {"n", "1"}, {"k", "2"}})
        size += std::string("%at") + name + " = arith.constant " + at + " : index\n%i" + name +
                " = memref.load %sizes[%at" + name + "] : memref<3xi32>\n%" + name +
                "_ = arith.index_cast %i" + name + " : i32 to index\n";
      return new CompiledKernel(
          "%a: " + buffer + ", %b: " + buffer + ", %c: " + buffer +
              ", %factors: memref<2xf32>, %sizes: memref<3xi32>",
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
      // A matrix ends where its buffer does: what reads past it faults if the layout is tight. When it is
      // strided there is one element more around C, to see that none is written.
      bool isTight = layout == Tight;
      auto width = [&](int64_t columns) { return isTight ? columns : kWidth; };
      auto at = [&](int64_t columns, int64_t r, int64_t s) {
        return isTight ? size_t(r * columns + s) : size_t((r + 1) * kWidth + 3 + s);
      };
      int64_t extra = isTight ? 0 : 1;
      int64_t aRows = transposeA ? k : m, aColumns = transposeA ? m : k;
      int64_t bRows = transposeB ? n : k, bColumns = transposeB ? k : n;
      Guarded a(noise(size_t((aRows + extra) * width(aColumns)), 1)),
          b(noise(size_t((bRows + extra) * width(bColumns)), 2));
      std::vector<float> before = noise(size_t((m + 2 * extra) * width(n)), 3), start = before;
      if (beta == 0) // must not be read
        for (int64_t r = 0; r < m; ++r)
          for (int64_t s = 0; s < n; ++s)
            start[at(n, r, s)] = NAN;
      Guarded c(start);
      float factors[2] = {alpha, beta};
      int32_t sizes[3] = {int32_t(m), int32_t(n), int32_t(k)};
      (*kernels[i])({a.data(), b.data(), c.data(), factors, sizes}, 0);
      for (int64_t r = -extra; r < m + extra; ++r)
        for (int64_t s = -extra; s < n + extra; ++s) {
          if (r < 0 || s < 0 || r == m || s == n) {
            ASSERT_EQ(c[at(n, r, s)], before[at(n, r, s)]) << r << " " << s << " was touched";
            continue;
          }
          double want = 0, size = 0;
          for (int64_t l = 0; l < k; ++l) {
            double term = double(a[transposeA ? at(m, l, r) : at(k, r, l)]) *
                          double(b[transposeB ? at(k, s, l) : at(n, l, s)]);
            want += term;
            size += std::abs(term);
          }
          want = alpha * want + (beta == 0 ? 0 : beta * double(before[at(n, r, s)]));
          ASSERT_NEAR(c[at(n, r, s)], want, 1e-6 * (1 + std::abs(alpha) * size)) << r << " " << s;
        }
    }
  }

  std::unique_ptr<CompiledKernel> kernels[4];

private:
  Layout layout;
};

/// With the tiles of AVX-512, of AVX2, and a depth small enough to be cut often.
class Gemm : public testing::TestWithParam<const char *> {
protected:
  Products products{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Schedules, Gemm,
                         testing::Values("rows=8 panels=3", "rows=6 panels=1", "rows=3 panels=2 depth=48"));

} // namespace

static void checkSizesAroundTiles(Products &products) {
  for (int64_t m : {1, 2, 4, 5, 6, 7, 8, 9, 13, 16, 19})
    for (int64_t n : {1, 5, 15, 16, 17, 32, 33, 47, 48, 49, 64, 65, 96, 100})
      products.check(m, n, 21);
  for (int64_t k : {1, 2, 15, 16, 17, 31, 32, 33, 64, 100})
    for (int64_t n : {3, 16, 49})
      products.check(9, n, k);
}

TEST_P(Gemm, SizesAroundTilesPanelsAndStripes) { checkSizesAroundTiles(products); }

/// Nothing past the last element of A, B or C is read or written, whatever is left over of tiles and depths.
TEST_P(Gemm, NothingPastTheMatricesIsTouched) {
  Products tight(GetParam(), Products::Tight);
  checkSizesAroundTiles(tight);
  for (int64_t k : {1023, 1025, 2049})
    for (int64_t m : {1, 3, 10})
      tight.check(m, 50, k, 1, 0.5f);
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
