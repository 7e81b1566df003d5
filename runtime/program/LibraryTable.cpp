#include "mlora/Runtime/Program/LibraryTable.h"

#include <cblas.h>

namespace mlora {
namespace {

void sgemm(int64_t transposeA, int64_t transposeB, int64_t m, int64_t n, int64_t k, float alpha,
           const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
              blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c,
              blasint(ldc));
}

} // namespace

const mlora_library &libraryTable() {
  static const mlora_library table = [] {
    openblas_set_num_threads(1);
    return mlora_library{sgemm};
  }();
  return table;
}

} // namespace mlora
