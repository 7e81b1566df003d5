// CUDA's objects with owners. Destroying one that a fault has ended is no error of its own.
#pragma once

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Cuda/Cuda.h"

#include <string>
#include <utility>
#include <vector>

namespace mlora {

template <typename Object, auto Destroy> class CudaHandle {
public:
  CudaHandle() = default;
  CudaHandle(const cuda::Table &table, Object object) : table(&table), object(object) {}
  CudaHandle(CudaHandle &&other) noexcept
      : table(other.table), object(std::exchange(other.object, Object())) {}
  CudaHandle &operator=(CudaHandle &&other) noexcept {
    std::swap(table, other.table);
    std::swap(object, other.object);
    return *this;
  }
  ~CudaHandle() {
    if (object)
      (table->driver.*Destroy)(object);
  }
  Object get() const { return object; }

private:
  const cuda::Table *table = nullptr;
  Object object = Object();
};

using CudaStream = CudaHandle<cuda::Stream *, &cuda::DriverTable::streamDestroy>;
using CudaEvent = CudaHandle<cuda::Event *, &cuda::DriverTable::eventDestroy>;
using CudaModule = CudaHandle<cuda::Module *, &cuda::DriverTable::moduleUnload>;
using CudaGraph = CudaHandle<cuda::GraphExec *, &cuda::DriverTable::graphExecDestroy>;
using CudaMemory = CudaHandle<cuda::DevicePointer, &cuda::DriverTable::memFree>;
using CudaPinned = CudaHandle<void *, &cuda::DriverTable::memFreeHost>;

inline CudaStream makeStream(const cuda::Table &table) {
  cuda::Stream *stream = nullptr;
  check(table, table.driver.streamCreate(&stream, cuda::streamNonBlocking), "cuStreamCreate");
  return {table, stream};
}

inline CudaEvent makeEvent(const cuda::Table &table, unsigned flags) {
  cuda::Event *event = nullptr;
  check(table, table.driver.eventCreate(&event, flags), "cuEventCreate");
  return {table, event};
}

inline CudaPinned makePinned(const cuda::Table &table, int64_t bytes) {
  void *memory = nullptr;
  check(table, table.driver.memHostAlloc(&memory, size_t(bytes), 0), "cuMemHostAlloc");
  return {table, memory};
}

/// PTX (or what the emulator takes instead), which the driver compiles for its GPU; what it does not take it says in a
/// log. `where` is for messages.
inline CudaModule makeModule(const cuda::Table &table, const void *image, const std::string &where) {
  std::vector<char> log(16384, 0);
  cuda::JitOption names[] = {cuda::JitOption::ErrorLogBuffer, cuda::JitOption::ErrorLogBufferBytes};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size() - 1)};
  cuda::Module *module = nullptr;
  cuda::Result result = table.driver.moduleLoadDataEx(&module, image, 2, names, values);
  if (result != cuda::Result::Success && log[0])
    failed(where + ": the driver does not take it: " + log.data());
  check(table, result, ("cuModuleLoadDataEx of " + where).c_str());
  return {table, module};
}

/// Nothing for 0 bytes. Kernels may touch it, at `device`. Not zeros.
inline CudaPinned makeMapped(const cuda::Table &table, int64_t bytes, const char *name,
                             cuda::DevicePointer &device) {
  void *memory = nullptr;
  if (bytes == 0)
    return {};
  cuda::Result result =
      table.driver.memHostAlloc(&memory, size_t(bytes), cuda::hostAllocPortable | cuda::hostAllocDeviceMap);
  if (result == cuda::Result::OutOfMemory)
    failed(
        "the driver does not give " + std::to_string((bytes + (1 << 20) - 1) >> 20) +
        " MiB of the host's memory, pinned, that `offload` needs: free memory of the host, or offload less");
  check(table, result, "cuMemHostAlloc");
  CudaPinned owned{table, memory};
  check(table, table.driver.memHostGetDevicePointer(&device, memory, 0), "cuMemHostGetDevicePointer");
  if (table.isEmulated())
    check(table, table.emulator.nameAllocation(device, name), "a name");
  return owned;
}

/// Nothing for 0 bytes. `name` is for the emulator's messages.
inline cuda::Result tryMemory(const cuda::Table &table, int64_t bytes, const char *name, CudaMemory &owned) {
  cuda::DevicePointer memory = 0;
  if (bytes == 0)
    return cuda::Result::Success;
  if (cuda::Result result = table.driver.memAlloc(&memory, size_t(bytes)); result != cuda::Result::Success)
    return result;
  owned = {table, memory};
  if (table.isEmulated())
    check(table, table.emulator.nameAllocation(memory, name), "a name");
  return cuda::Result::Success;
}

inline CudaMemory makeMemory(const cuda::Table &table, int64_t bytes, const char *name) {
  CudaMemory owned;
  check(table, tryMemory(table, bytes, name, owned), "cuMemAlloc");
  return owned;
}

} // namespace mlora
