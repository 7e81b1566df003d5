// Functions that NVPTX has as instructions. The device's are approximations (errors up to 2^-22 relative for
// ex2, 2^-22 for lg2, 2^-20.9 absolute for sin and cos in [-pi, pi], 2^-11 for tanh); these are exact to
// f32's rounding: a kernel whose check needs the device's last bits checks too much.
#include "Operations.h"

#include <cmath>

namespace mlora::emulator {

void runExp2(ThreadContext *, uint32_t, const uint64_t *in, uint64_t *out) {
  out[0] = fromFloat(std::exp2(toFloat(in[0])));
}
void runLog2(ThreadContext *, uint32_t, const uint64_t *in, uint64_t *out) {
  out[0] = fromFloat(std::log2(toFloat(in[0])));
}
void runSin(ThreadContext *, uint32_t, const uint64_t *in, uint64_t *out) {
  out[0] = fromFloat(std::sin(toFloat(in[0])));
}
void runCos(ThreadContext *, uint32_t, const uint64_t *in, uint64_t *out) {
  out[0] = fromFloat(std::cos(toFloat(in[0])));
}
void runTanh(ThreadContext *, uint32_t, const uint64_t *in, uint64_t *out) {
  out[0] = fromFloat(std::tanh(toFloat(in[0])));
}

/// What std lacks.
template <typename T> static T rsqrt(T x) { return 1 / std::sqrt(x); }
template <typename T> static T exp10(T x) { return std::pow(T(10), x); }

template <typename T> static T apply(uint64_t function, const T *x) {
  using namespace std;
  uint64_t number = 0;
#define MLORA_OPERANDS_1 x[0]
#define MLORA_OPERANDS_2 x[0], x[1]
#define MLORA_OPERANDS_3 x[0], x[1], x[2]
#define MLORA_LIBRARY_FUNCTION(name, operands)                                                               \
  if (function == number++)                                                                                  \
    return name(MLORA_OPERANDS_##operands);
#include "mlora/Runtime/Emulator/LibraryFunctions.def"
  return T(NAN); // the compiler numbers them from the same table
}

void runLibrary(ThreadContext *, uint32_t, const uint64_t *in, uint64_t *out) {
  if (in[1]) {
    float x[] = {toFloat(in[2]), toFloat(in[3]), toFloat(in[4])};
    out[0] = fromFloat(apply(in[0], x));
    return;
  }
  double x[3];
  std::memcpy(x, in + 2, sizeof x);
  double value = apply(in[0], x);
  std::memcpy(out, &value, sizeof value);
}

} // namespace mlora::emulator
