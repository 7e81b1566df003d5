// A hand-written block function, compiled by mlora-opt as programs are and loaded.
#pragma once

#include "mlora/Runtime/Program/Kernel.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mlora {

class CompiledKernel {
public:
  /// `arguments` are the buffers ("%x: memref<?x7xf32>, …"), `body` what is done with them; %n is the first
  /// run-time scalar. `gemmOptions` are those of mlora-lower-gemm.
  CompiledKernel(const std::string &arguments, const std::string &body, const std::string &gemmOptions = "");
  ~CompiledKernel();
  CompiledKernel(const CompiledKernel &) = delete;

  void operator()(std::vector<void *> buffers, int64_t n, int64_t block = 0) const;

  /// Standard error of mlora-opt; empty when it compiled.
  std::string messages;

private:
  std::filesystem::path folder;
  void *object = nullptr;
  mlora_kernel kernel = nullptr;
};

} // namespace mlora
