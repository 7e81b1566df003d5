// Runs the sections of a program.
#pragma once

#include "mlora/Runtime/Program/Arena.h"
#include "mlora/Runtime/Program/Bundle.h"
#include "mlora/Runtime/Program/Layout.h"
#include "mlora/Runtime/Program/ThreadPool.h"

#include <memory>
#include <string_view>
#include <vector>

namespace mlora {

/// What a kernel has cost since the timings were cleared.
struct KernelTiming {
  int64_t calls = 0, blocks = 0;
  double seconds = 0, flops = 0, bytes = 0;
};

/// Commands are resolved once into flat records (function, addresses); running one is a call to the pool.
class Executor {
public:
  /// All four must outlive this object.
  Executor(const Bundle &bundle, const Layout &layout, const Arena &arena, ThreadPool &pool);

  bool has(std::string_view section) const;
  /// Throws Error(Failed) for an unknown section or scalars beyond the capacity.
  void run(std::string_view section, const Scalars &scalars);

  /// Off unless asked for: reading the clock around each launch costs little, but not nothing.
  void measure(bool on) { measuring = on; }
  void clearTimings() { kernelTimings.assign(kernelTimings.size(), {}); }
  const std::vector<KernelTiming> &timings() const { return kernelTimings; } ///< one a kernel of the manifest

  int64_t scratchBytes() const { return scratchStride * pool.threads(); }

private:
  struct Record {
    int kernel;
    size_t firstAddress;
  };
  struct SectionRecords {
    std::string name;
    std::vector<Record> records;
  };
  struct FreeScratch {
    void operator()(std::byte *memory) const;
  };

  void resolve(const Launch &launch, int64_t layer, SectionRecords &section);
  void launch(const Record &record, const Scalars &scalars);
  void checkCapacity(const Scalars &scalars) const;

  const Manifest &manifest;
  const Layout &layout;
  const Arena &arena;
  ThreadPool &pool;
  std::vector<mlora_kernel> functions;
  std::vector<void *> addresses; ///< of all records, one after another
  std::vector<SectionRecords> sections;
  int64_t scratchStride;
  std::unique_ptr<std::byte, FreeScratch> scratch;
  bool measuring = false;
  std::vector<KernelTiming> kernelTimings;
};

} // namespace mlora
