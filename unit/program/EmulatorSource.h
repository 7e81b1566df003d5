// What kernels written by hand for the emulator begin with.
#pragma once

#include <string>

namespace mlora::test {

/// `at` asks for an access as compiled code does, `get` reads a special register.
inline std::string emulatorSource(const std::string &kernels) {
  return R"(
#include "mlora/Runtime/Emulator/Abi.h"
#include "mlora/Runtime/Emulator/TensorMap.h"
using namespace mlora::emulator;
static char *at(ThreadContext *t, uint64_t address, uint32_t bytes, uint32_t flags) {
  return t->resolve(t, address, Access::encode(bytes, bytes == 8 ? 3 : 2, flags), 0);
}
static uint32_t get(ThreadContext *t, SpecialRegister which) { return t->registers[uint32_t(which)]; }
)" + kernels;
}

} // namespace mlora::test
