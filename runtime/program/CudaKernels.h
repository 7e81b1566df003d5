// A bundle's kernels, loaded on a GPU (or for the emulator) and launched.
#pragma once

#include "CudaContext.h"
#include "CudaHandles.h"
#include "mlora/Runtime/Program/Bundle.h"

#include <vector>

namespace mlora {

class CudaKernels {
public:
  /// Throws Error(Failed) with the driver's words when it does not take the code.
  CudaKernels(const cuda::Table &table, const CudaGpu &gpu, const Bundle &bundle);

  /// `parameters` are addresses in device memory, one a parameter of the kernel; its tensor maps, which
  /// follow them, are encoded for these scalars.
  void launch(int kernel, std::vector<cuda::DevicePointer> &parameters, const Scalars &scalars,
              int64_t blocks, cuda::Stream *stream) const;
  /// Memory that the code takes beside the program's: the emulated module's constants.
  int64_t constantBytes() const { return constants; }

private:
  void loadEmulated(const Bundle &bundle);
  void loadPtx(const CudaGpu &gpu, const Bundle &bundle);
  bool loadCubin(const CudaGpu &gpu, const Bundle &bundle);

  const cuda::Table &table;
  const Manifest &manifest;
  CudaModule module;
  std::vector<cuda::Function *> functions; ///< null for a library's product
  int64_t constants = 0;
};

} // namespace mlora
