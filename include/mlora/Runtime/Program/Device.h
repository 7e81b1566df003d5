// What runs a program's kernels, and the memory that they see.
#pragma once

#include "mlora/Runtime/Program/Arena.h"
#include "mlora/Runtime/Program/Bundle.h"
#include "mlora/Runtime/Program/Layout.h"
#include "mlora/Runtime/Program/ThreadPool.h"

#include <memory>
#include <span>

namespace mlora {

/// What a kernel is launched on: its operands, then its results.
struct LaunchBuffers {
  std::span<void *const> addresses;
  std::span<const int> numbers; ///< the manifest's, of the buffer that each is a slot of
};

class Device {
public:
  /// The device of the bundle's target. All of them must outlive it. Throws Error when the bundle's
  /// code is not for it.
  static std::unique_ptr<Device> make(const Bundle &bundle, const Layout &layout, ThreadPool &pool);
  virtual ~Device() = default;

  /// Memory for the program's arena: one, for as long as the device lives.
  virtual Arena &arena() = 0;
  /// All blocks of kernel number `kernel` of the manifest, on these buffers. Finished when it returns.
  virtual void launch(int kernel, LaunchBuffers buffers, const Scalars &scalars, int64_t blocks) = 0;
  /// Bytes beside the arena that blocks work in.
  virtual int64_t scratchBytes() const = 0;
};

} // namespace mlora
