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

} // namespace mlora::emulator
