// Runs the sections of a program.
#pragma once

#include "mlora/Runtime/Program/BorrowedWeights.h"
#include "mlora/Runtime/Program/Device.h"

#include <string_view>
#include <vector>

namespace mlora {

/// What a kernel has cost since the timings were cleared.
struct KernelTiming {
  int64_t calls = 0, blocks = 0;
  double seconds = 0, flops = 0, bytes = 0;
};

/// Commands are resolved once into flat records (kernel, addresses); running one is a launch on the device.
class Executor {
public:
  /// All of them must outlive this object.
  Executor(const Manifest &manifest, const Layout &layout, Device &device,
           const BorrowedWeights *borrowed = nullptr);

  bool has(std::string_view section) const;
  /// Throws Error(Failed) for an unknown section or scalars beyond the capacity.
  void run(std::string_view section, const Scalars &scalars);

  /// Off unless asked for: reading the clock around each launch costs little on the CPU; elsewhere there are
  /// two events around each, which are waited for at the section's end, and sections are not repeated as
  /// graphs.
  void measure(bool on) { measuring = on; }
  void clearTimings() { kernelTimings.assign(kernelTimings.size(), {}); }
  const std::vector<KernelTiming> &timings() const { return kernelTimings; } ///< one a kernel of the manifest

  int64_t scratchBytes() const { return device.scratchBytes(); }

private:
  struct Record {
    int kernel;
    size_t firstAddress, numAddresses;
    int64_t layer = -1; ///< whose weights in the ring it works on; -1: none's
    int64_t next = -1;  ///< the next layer behind it that is another one
  };
  /// Records that run one after another, or all of them for each chunk.
  struct Stretch {
    bool inChunks = false;
    std::vector<Record> records;
  };
  struct SectionRecords {
    std::string name;
    std::vector<Stretch> stretches;
  };

  void resolve(const Launch &launch, int64_t layer, const std::string &section, Stretch &stretch);
  void findNextLayers(SectionRecords &section) const;
  std::vector<Scalars> scalarsOf(const SectionRecords &section, const Scalars &scalars) const;
  void launch(const Record &record, std::span<const Scalars> scalars, size_t which);
  void checkCapacity(const Scalars &scalars) const;

  const Manifest &manifest;
  const Layout &layout;
  Device &device;
  const BorrowedWeights *borrowed;
  std::vector<void *> addresses; ///< of all records, one after another
  std::vector<int> buffers;      ///< beside them, the numbers of the buffers that they are slots of
  std::vector<int64_t> strides;  ///< beside them, the bytes to the next chunk's; 0: all chunks have the same
  std::vector<int64_t> slots;    ///< and how many of them
  std::vector<SectionRecords> sections;
  bool measuring = false;
  std::vector<KernelTiming> kernelTimings;
};

} // namespace mlora
