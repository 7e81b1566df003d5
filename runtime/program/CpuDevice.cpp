// Blocks on the threads of a pool, in the process's own memory.
#include "CpuDevice.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cstring>

namespace mlora {
namespace {

constexpr int64_t alignment = 64;

int64_t roundUp(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

/// What a block of a launch needs; one for all its blocks.
struct LaunchContext {
  mlora_kernel function;
  void *const *buffers;
  const int64_t *scalars;
  std::byte *scratch;
  int64_t scratchStride;
};

void runBlock(void *opaque, int64_t block, int64_t worker) {
  const auto &context = *static_cast<const LaunchContext *>(opaque);
  context.function(block, context.buffers, context.scalars, context.scratch + worker * context.scratchStride);
}

} // namespace

CpuDevice::CpuDevice(const Bundle &bundle, const Layout &layout, ThreadPool &pool)
    : pool(pool), memory(layout.arenaBytes()),
      scratchStride(roundUp(std::max(bundle.manifest.scratchBytes, alignment))) {
  for (const Kernel &kernel : bundle.manifest.kernels) {
    if (kernel.library)
      failed((bundle.folder / "manifest.json").string() + ": kernel " + kernel.name +
             " is a library's product, which the target cpu does not have: its products are kernels");
    functions.push_back(bundle.code->kernel(kernel.symbol));
  }
  // Fresh pages: each is placed when the thread that uses it first writes to it.
  scratch.reset(static_cast<std::byte *>(std::aligned_alloc(size_t(alignment), size_t(scratchBytes()))));
  if (!scratch)
    failed("no memory for " + std::to_string(scratchBytes() >> 20) + " MiB of scratch");
}

void CpuDevice::write(int64_t place, const void *from, int64_t bytes) {
  std::memcpy(memory.at(place), from, size_t(bytes));
}

void CpuDevice::read(void *to, int64_t place, int64_t bytes) {
  std::memcpy(to, memory.at(place), size_t(bytes));
}

void CpuDevice::product(int, LaunchBuffers, int64_t) { failed("the target cpu has no library's products"); }

void CpuDevice::launch(int kernel, LaunchBuffers buffers, size_t scalars, int64_t blocks) {
  LaunchContext context = {functions[size_t(kernel)], buffers.addresses.data(), shown[scalars].data(),
                           scratch.get(), scratchStride};
  pool.run(blocks, runBlock, &context);
}

} // namespace mlora
