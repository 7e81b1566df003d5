// The emulated device through its table, as CudaDevice uses it.
#pragma once

#include "../Expect.h"
#include "mlora/Runtime/Cuda/Cuda.h"
#include "mlora/Runtime/Cuda/Emulated.h"

#include <cstring>
#include <numeric>

namespace mlora::test {

using namespace mlora::cuda;

/// A refused call: its status, and what the emulator says about it.
#define EXPECT_CUDA_REFUSED(call, status, ...)                                                               \
  do {                                                                                                       \
    EXPECT_EQ(call, status) << #call;                                                                        \
    for (const std::string &part : std::initializer_list<std::string>{__VA_ARGS__})                          \
      EXPECT_NE(emulated().emulator.explain().find(part), std::string::npos)                                 \
          << "\"" << part << "\" is not in: " << emulated().emulator.explain();                              \
  } while (false)
#define EXPECT_CUDA_OK(call) EXPECT_EQ(int(call), 0) << #call << ": " << emulated().emulator.explain()

struct EmulatedCuda : testing::Test {
  Table &table = emulated();
  DriverTable &driver = table.driver;
  Stream *stream = nullptr;
  std::vector<DevicePointer> allocations;
  std::vector<void *> pinned;

  void SetUp() override {
    Context *context = nullptr;
    EXPECT_CUDA_OK(driver.primaryCtxRetain(&context, 0));
    EXPECT_CUDA_OK(driver.ctxSetCurrent(context));
    EXPECT_CUDA_OK(driver.streamCreate(&stream, streamNonBlocking));
  }

  void TearDown() override { // after a fault all is the context's to clean up
    driver.streamDestroy(stream);
    for (DevicePointer memory : allocations)
      driver.memFree(memory);
    for (void *memory : pinned)
      driver.memFreeHost(memory);
    driver.primaryCtxRelease(0);
  }

  DevicePointer allocate(size_t bytes, const char *name = "a buffer") {
    DevicePointer memory = 0;
    EXPECT_CUDA_OK(driver.memAlloc(&memory, bytes));
    EXPECT_CUDA_OK(table.emulator.nameAllocation(memory, name));
    allocations.push_back(memory);
    return memory;
  }

  template <typename Value> Value *pin(size_t count) {
    void *memory = nullptr;
    EXPECT_CUDA_OK(driver.memHostAlloc(&memory, count * sizeof(Value), 0));
    pinned.push_back(memory);
    return static_cast<Value *>(memory);
  }

  template <typename Value>
  DevicePointer upload(const std::vector<Value> &values, const char *name = "a buffer") {
    DevicePointer memory = allocate(values.size() * sizeof(Value), name);
    EXPECT_CUDA_OK(driver.memcpyHtoDAsync(memory, values.data(), values.size() * sizeof(Value), stream));
    return memory;
  }

  template <typename Value> std::vector<Value> download(DevicePointer memory, size_t count) {
    std::vector<Value> values(count);
    EXPECT_CUDA_OK(driver.memcpyDtoHAsync(values.data(), memory, count * sizeof(Value), stream));
    return values;
  }
};

} // namespace mlora::test
