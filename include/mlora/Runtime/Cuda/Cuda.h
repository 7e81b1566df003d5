// The table of functions that the executor for GPUs works on: NVIDIA's libraries, or the emulator's own.
#pragma once

#include "mlora/Runtime/Cuda/BlasLt.h"
#include "mlora/Runtime/Cuda/Driver.h"

#include <string>
#include <vector>

namespace mlora::cuda {

/// A part of device memory, under the name that messages give it.
struct MemoryView {
  DevicePointer begin;
  size_t bytes;
  std::string name;
};

/// What only the emulator asks; null in NVIDIA's table.
struct EmulatorTable {
  /// Of the allocations that begin at `allocations`, the next launch may touch these parts only.
  Result (*showNextLaunch)(std::vector<DevicePointer> allocations, std::vector<MemoryView> views) = nullptr;
  /// The host is about to read (or write) memory of memHostAlloc: no copy may be under way there.
  Result (*hostAccess)(const void *memory, size_t bytes, bool writes) = nullptr;
  /// How messages call an allocation.
  Result (*nameAllocation)(DevicePointer allocation, const char *name) = nullptr;
  /// What the last refusal was about, and which operation.
  std::string (*explain)() = nullptr;
};

struct Table {
  DriverTable driver;
  BlasLtTable blas; ///< empty until loadBlasLt
  EmulatorTable emulator;
  /// The primary context outlives its users. The emulator's does not, so that what they leave in it shows.
  bool keepsContext = false;

  bool isEmulated() const { return emulator.explain != nullptr; }
};

/// The least version of the driver API that our PTX needs: PTX ISA 8.0 came with CUDA 12.0, whose drivers
/// begin at 525 (PTX ISA, "Release Notes").
constexpr int leastDriverVersion = 12000;

/// libcuda.so.1, loaded once and initialised. Throws Error(BadInput) that says what is missing when there is
/// no driver, an old one, or no GPU.
Table &nvidia();
/// Fills `table.blas` from libcublasLt.so.13 or .12. Throws Error(BadInput) when neither can be loaded.
void loadBlasLt(Table &table);
/// The emulator's (docs/emulator.md): one device of this process, whose memory is the machine's.
Table &emulated();

/// "13.0" of 13000.
std::string versionText(int version);

/// Waits for all of a stream. What a kernel did wrong is told here, however long ago it was launched: the
/// Error of a fault names MLORA_CUDA_SYNC. `behind` is the only launch that it can be, where that is known.
void synchronize(const Table &table, Stream *stream, const std::string &behind = "");
/// MLORA_CUDA_SYNC is set: each launch is waited for and no graph is made, so that a fault names its kernel.
bool waitsForEachLaunch();

/// Throws Error(Failed) that names the function and says why, unless `result` is success.
void check(const Table &table, Result result, const char *function);
void check(const Table &table, BlasStatus status, const char *function);

} // namespace mlora::cuda
