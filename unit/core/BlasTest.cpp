#include "mlora/Runtime/Core/Blas.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <vector>

using namespace mlora;

TEST(Blas, MultipliesAnyTransposition) {
  constexpr int64_t m = 5, n = 7, k = 3;
  std::vector<float> a(m * k), b(k * n);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = float(i % 5) - 2;
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = float(i % 4) - 1;
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true}) {
      std::vector<float> c(m * n, 99);
      sgemm(transposeA, transposeB, m, n, k, a.data(), transposeA ? m : k, b.data(), transposeB ? k : n,
            c.data(), n);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          float expected = 0;
          for (int64_t l = 0; l < k; ++l)
            expected += a[transposeA ? l * m + i : i * k + l] * b[transposeB ? j * k + l : l * n + j];
          EXPECT_EQ(c[i * n + j], expected) << i << " " << j;
        }
    }
}

// A processor newer than the library is not treated as one of 2004.
TEST(Blas, RunsKernelsThatTheProcessorDeserves) {
  if (getenv("OPENBLAS_CORETYPE"))
    GTEST_SKIP() << "the user has chosen";
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    EXPECT_NE(sgemmKernels(), "Prescott");
  }
#endif
  EXPECT_FALSE(sgemmKernels().empty());
  EXPECT_EQ(getenv("OPENBLAS_CORETYPE"), nullptr) << "what was set for the library is not for other programs";
}
