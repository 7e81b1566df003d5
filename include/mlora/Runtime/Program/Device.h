// What runs a program's kernels, and the memory that they see.
#pragma once

#include "mlora/Runtime/Program/Bundle.h"
#include "mlora/Runtime/Program/Layout.h"
#include "mlora/Runtime/Program/ThreadPool.h"

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace mlora {

/// What a kernel is launched on: its operands, then its results.
struct LaunchBuffers {
  std::span<void *const> addresses;
  std::span<const int> numbers;   ///< the manifest's, of the buffer that each is a slot of
  std::span<const int64_t> slots; ///< how many of the buffer's, from that one on
};

/// Its arena is memory of zeros at first. Places in it are bytes from its beginning (Layout), those behind
/// its end in memory of the host that kernels may touch. What is launched may run later; read() waits for it.
class Device {
public:
  /// The device of the bundle's target. All of them must outlive it. Throws Error when the bundle's
  /// code is not for it.
  static std::unique_ptr<Device> make(const Bundle &bundle, const Layout &layout, ThreadPool &pool);
  virtual ~Device() = default;

  /// As kernels are given it.
  virtual void *address(int64_t place) = 0;
  /// The arena where it is memory of the host, otherwise null.
  virtual std::byte *hostMemory() { return nullptr; }
  /// Copies into the arena, behind what was launched; `from` is free again when it returns.
  virtual void write(int64_t place, const void *from, int64_t bytes) = 0;
  /// Copies out of the arena, when all that was launched is done.
  virtual void read(void *to, int64_t place, int64_t bytes) = 0;
  /// Writes bytes that `fill(to, first byte, bytes)` makes, piece by piece in order; a piece is a multiple of
  /// `granule`. No more of them than some pieces are in the host's memory at once.
  using Fill = std::function<void(std::byte *to, int64_t first, int64_t bytes)>;
  virtual void write(int64_t place, int64_t bytes, int64_t granule, const Fill &fill) = 0;

  /// Before the launches of a section, each of which sees one of these scalars. They must outlive the
  /// section's launches.
  virtual void begin(std::span<const Scalars> scalars) = 0;
  /// Makes a section's launches by calling `launches`, or repeats what the same section launched before
  /// under scalars that make the same grids.
  virtual void replay(size_t section, const Scalars &scalars, const std::function<void()> &launches) {
    launches();
  }
  /// What is launched from here on works on the ring's copy of layer `layer`'s weights (Layout), and that of
  /// `next` is the next that will be; -1: none. Contents of the ring are gone when begin() is called.
  virtual void useLayer(int64_t layer, int64_t next) {}
  /// All blocks of kernel number `kernel` of the manifest, on these buffers; number `scalars` of those that
  /// begin() was given.
  virtual void launch(int kernel, LaunchBuffers buffers, size_t scalars, int64_t blocks) = 0;
  /// Kernel number `kernel`, a library's product of `rows` rows, on a, w and y.
  virtual void product(int kernel, LaunchBuffers buffers, int64_t rows) = 0;
  /// Waits for all that was launched.
  virtual void synchronize() {}

  /// Makes a launch of kernel number `kernel` whose time takeTimes() tells: here that of the host's clock,
  /// for launches that are done when they return.
  virtual void timed(int kernel, const std::function<void()> &launch);
  /// Kernel and seconds of each since the last call.
  virtual std::vector<std::pair<int, double>> takeTimes() { return std::exchange(times, {}); }

  /// Bytes beside the arena that blocks and products work in.
  virtual int64_t scratchBytes() const = 0;

private:
  std::vector<std::pair<int, double>> times;
};

} // namespace mlora
