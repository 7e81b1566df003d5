// Matrix products of OpenBLAS, for work outside compiled programs: merging, and the rate that a machine is
// measured by.
#pragma once

#include <cstdint>
#include <string>

namespace mlora {

/// C = op(A) op(B), row-major, on the calling thread; A is m x k as it is multiplied, lda and so on are
/// elements from row to row. Safe from several threads. Throws Error(Failed) where the library is missing.
void sgemm(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
           const float *b, int64_t ldb, float *c, int64_t ldc);

/// The processor whose kernels OpenBLAS runs, by its own name: "SkylakeX".
std::string sgemmKernels();

} // namespace mlora
