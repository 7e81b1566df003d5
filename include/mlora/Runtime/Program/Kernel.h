/* What a compiled kernel is: one block of a grid. Layout is ABI (docs/architecture.md); kernels call nothing
 * but memcpy and its like. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*mlora_kernel)(int64_t block, void *const *buffers, const int64_t *scalars, void *scratch);

#ifdef __cplusplus
}
#endif
