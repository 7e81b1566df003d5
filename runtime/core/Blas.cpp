#include "mlora/Runtime/Core/Blas.h"

#include "mlora/Runtime/Core/Error.h"

#include <cblas.h>
#include <cstdlib>
#include <dlfcn.h>

namespace mlora {
namespace {

// Loaded by hand, because what it runs is decided while it loads, from a list of processors that ends with
// those known when it was made: for later ones Debian 12's (0.3.21) takes kernels of 2004, a quarter of the
// speed or less.
class OpenBlas {
public:
  OpenBlas() {
    load();
    const char *better = betterKernels();
    if (kernels == "Prescott" && better && !std::getenv("OPENBLAS_CORETYPE")) {
      dlclose(library);
      setenv("OPENBLAS_CORETYPE", better, 1);
      load();
      unsetenv("OPENBLAS_CORETYPE");
    }
    entry<decltype(&openblas_set_num_threads)>("openblas_set_num_threads")(1);
    product = entry<decltype(&cblas_sgemm)>("cblas_sgemm");
  }

  decltype(&cblas_sgemm) product;
  std::string kernels;

private:
  void load() {
    library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library)
      failed(std::string("OpenBLAS cannot be loaded (Debian has it in libopenblas0-pthread): ") + dlerror());
    kernels = entry<decltype(&openblas_get_corename)>("openblas_get_corename")();
  }

  template <typename Function> Function entry(const char *name) {
    void *address = dlsym(library, name);
    if (!address)
      failed(std::string("libopenblas.so.0 has no ") + name);
    return reinterpret_cast<Function>(address);
  }

  static const char *betterKernels() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      return "Haswell";
#endif
    return nullptr;
  }

  void *library = nullptr;
};

const OpenBlas &openBlas() {
  static const OpenBlas loaded;
  return loaded;
}

} // namespace

void sgemm(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
           const float *b, int64_t ldb, float *c, int64_t ldc) {
  openBlas().product(CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans,
                     transposeB ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, a,
                     blasint(lda), b, blasint(ldb), 0, c, blasint(ldc));
}

std::string sgemmKernels() { return openBlas().kernels; }

} // namespace mlora
