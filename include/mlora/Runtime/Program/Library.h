/* What a compiled kernel may call: a table of functions, passed as its first argument. Layout is ABI. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* C = alpha * op(A) op(B) + beta * C, row-major f32; op transposes when its flag is 1. With beta 0 C is not
 * read. op(A) is [m, k], op(B) is [k, n]; lda, ldb, ldc are row strides in elements. Single-threaded. */
typedef void (*mlora_sgemm)(int64_t transpose_a, int64_t transpose_b, int64_t m, int64_t n, int64_t k,
                            float alpha, const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
                            float *c, int64_t ldc);

typedef struct mlora_library {
  mlora_sgemm sgemm;
} mlora_library;

typedef void (*mlora_kernel)(const mlora_library *library, int64_t block, void *const *buffers,
                             const int64_t *scalars, void *scratch);

#ifdef __cplusplus
}
#endif
