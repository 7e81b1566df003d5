// The emulator's driver: what it does as the real one, and what it objects to.
#include "Fixture.h"

using namespace mlora::test;

namespace {

// Kernels as the compiler makes them for the emulator: every access asks, and parameters are addresses.
using mlora::emulator::Access;
using mlora::emulator::ThreadContext;

float *at(ThreadContext *thread, uint64_t address, uint32_t flags) {
  return reinterpret_cast<float *>(thread->resolve(thread, address, Access::encode(4, 2, flags), 0));
}

uint32_t index(ThreadContext *thread) {
  auto get = [&](mlora::emulator::SpecialRegister which) { return thread->registers[uint32_t(which)]; };
  using enum mlora::emulator::SpecialRegister;
  return get(CtaidX) * get(NtidX) + get(TidX);
}

/// y[i] = 2 x[i] + y[i], of as many elements as there are threads
void doubleAndAdd(ThreadContext *thread) {
  uint64_t offset = 4 * uint64_t(index(thread));
  float x = *at(thread, thread->parameters[0] + offset, Access::Read);
  *at(thread, thread->parameters[1] + offset, Access::Read | Access::Write) += 2 * x;
}

struct EmulatedDriver : EmulatedCuda {
  Module *module = nullptr;
  Function *function = nullptr;
  EmulatedImage image;

  void SetUp() override {
    EmulatedCuda::SetUp();
    image.kernels["double_and_add"] = {"double.and.add", doubleAndAdd, 2, 32};
    image.sites = {{"llvm.load", "here"}};
    EXPECT_CUDA_OK(driver.moduleLoadDataEx(&module, &image, 0, nullptr, nullptr));
    EXPECT_CUDA_OK(driver.moduleGetFunction(&function, module, "double_and_add"));
  }
  void TearDown() override {
    driver.moduleUnload(module);
    EmulatedCuda::TearDown();
  }

  Result launch(DevicePointer x, DevicePointer y, unsigned blocks = 1, unsigned threads = 32,
                unsigned shared = 0) {
    void *parameters[] = {&x, &y};
    return driver.launchKernel(function, blocks, 1, 1, threads, 1, 1, shared, stream, parameters, nullptr);
  }
};

std::vector<float> counting(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

TEST_F(EmulatedDriver, RunsKernelsInTheOrderOfTheStream) {
  DevicePointer x = upload(counting(64)), y = upload(std::vector<float>(64, 0.5f));
  EXPECT_CUDA_OK(launch(x, y, 2));
  EXPECT_CUDA_OK(launch(y, x, 2));
  EXPECT_CUDA_OK(driver.memsetD8Async(y, 0, 128, stream));
  std::vector<float> first = download<float>(x, 64), second = download<float>(y, 64);
  EXPECT_EQ(first[9], 10 + 2 * (20 + 0.5f));
  EXPECT_EQ(second[31], 0);
  EXPECT_EQ(second[32], 66.5f);
}

TEST_F(EmulatedDriver, ReplaysAGraphOnWhatIsThereThen) {
  DevicePointer x = upload(counting(32)), y = upload(std::vector<float>(32, 0));
  EXPECT_CUDA_OK(driver.streamBeginCapture(stream, CaptureMode::ThreadLocal));
  EXPECT_CUDA_OK(launch(x, y));
  EXPECT_CUDA_REFUSED(driver.streamSynchronize(stream), Result::StreamCaptureUnsupported,
                      "cuStreamSynchronize");
  DevicePointer other = 0;
  EXPECT_CUDA_REFUSED(driver.memAlloc(&other, 4), Result::StreamCaptureUnsupported, "cuMemAlloc");
  EXPECT_CUDA_REFUSED(driver.memcpyHtoDAsync(x, &other, 4, stream), Result::StreamCaptureUnsupported,
                      "not pinned");
  Graph *graph = nullptr;
  GraphExec *executable = nullptr;
  EXPECT_CUDA_OK(driver.streamEndCapture(stream, &graph));
  EXPECT_CUDA_REFUSED(driver.streamEndCapture(stream, &graph), Result::StreamCaptureUnmatched,
                      "not captured");
  EXPECT_CUDA_OK(driver.graphInstantiate(&executable, graph, 0));
  EXPECT_CUDA_OK(driver.graphDestroy(graph));
  EXPECT_EQ(download<float>(y, 1)[0], 0) << "a capture runs nothing";
  for (float times : {1.0f, 2.0f}) {
    EXPECT_CUDA_OK(driver.graphLaunch(executable, stream));
    EXPECT_EQ(download<float>(y, 32)[6], times * 14);
  }
  EXPECT_CUDA_OK(driver.graphExecDestroy(executable));
  EXPECT_CUDA_REFUSED(driver.graphLaunch(executable, stream), Result::InvalidHandle, "no such graph");
}

/// Two streams in one graph: the second copies x while the first waits, which then goes on.
TEST_F(EmulatedDriver, CapturesStreamsThatEventsJoin) {
  Stream *second = nullptr;
  Event *forked = nullptr, *joined = nullptr;
  EXPECT_CUDA_OK(driver.streamCreate(&second, streamNonBlocking));
  EXPECT_CUDA_OK(driver.eventCreate(&forked, eventDisableTiming));
  EXPECT_CUDA_OK(driver.eventCreate(&joined, eventDisableTiming));
  float *source = pin<float>(32);
  DevicePointer x = allocate(128), y = upload(std::vector<float>(32, 0));
  auto capture = [&](bool joins, GraphExec **executable) {
    EXPECT_CUDA_OK(driver.streamBeginCapture(stream, CaptureMode::ThreadLocal));
    EXPECT_CUDA_OK(driver.eventRecord(forked, stream));
    EXPECT_CUDA_OK(driver.streamWaitEvent(second, forked, 0));
    EXPECT_CUDA_OK(driver.memcpyHtoDAsync(x, source, 128, second));
    EXPECT_CUDA_OK(driver.eventRecord(joined, second));
    if (joins) {
      EXPECT_CUDA_OK(driver.streamWaitEvent(stream, joined, 0));
    }
    EXPECT_CUDA_OK(launch(x, y));
    Graph *graph = nullptr;
    Result result = driver.streamEndCapture(stream, &graph);
    if (result == Result::Success) {
      EXPECT_CUDA_OK(driver.graphInstantiate(executable, graph, 0));
      EXPECT_CUDA_OK(driver.graphDestroy(graph));
    }
    return result;
  };
  GraphExec *executable = nullptr;
  EXPECT_CUDA_REFUSED(capture(false, &executable), Result::StreamCaptureUnjoined, "stream 2",
                      "cuStreamWaitEvent here are missing");
  EXPECT_CUDA_OK(capture(true, &executable));
  EXPECT_CUDA_REFUSED(driver.eventSynchronize(joined), Result::CapturedEvent, "in a capture");
  EXPECT_CUDA_REFUSED(driver.streamWaitEvent(second, joined, 0), Result::CapturedEvent, "has ended");
  for (int run = 1; run <= 3; ++run) {
    EXPECT_CUDA_OK(table.emulator.hostAccess(source, 128, true));
    std::fill_n(source, 32, float(run));
    EXPECT_CUDA_OK(driver.graphLaunch(executable, stream));
    EXPECT_CUDA_REFUSED(table.emulator.hostAccess(source, 128, true), Result::IllegalState,
                        "may still be reading");
    EXPECT_EQ(download<float>(x, 32)[5], float(run));
  }
  EXPECT_CUDA_OK(driver.graphExecDestroy(executable));
  // A captured stream cannot wait for what happens outside.
  EXPECT_CUDA_OK(driver.eventRecord(joined, second));
  EXPECT_CUDA_OK(driver.streamBeginCapture(stream, CaptureMode::ThreadLocal));
  EXPECT_CUDA_REFUSED(driver.streamWaitEvent(stream, joined, 0), Result::StreamCaptureIsolation, "outside");
  Graph *empty = nullptr;
  EXPECT_CUDA_OK(driver.streamEndCapture(stream, &empty));
  EXPECT_CUDA_OK(driver.graphDestroy(empty));
  for (Event *event : {forked, joined})
    EXPECT_CUDA_OK(driver.eventDestroy(event));
  EXPECT_CUDA_OK(driver.streamDestroy(second));
}

TEST_F(EmulatedDriver, KernelsReachMappedMemoryOfTheHost) {
  void *memory = nullptr;
  DevicePointer mapped = 0, y = upload(std::vector<float>(32, 0));
  EXPECT_CUDA_OK(driver.memHostAlloc(&memory, 128, hostAllocPortable | hostAllocDeviceMap));
  EXPECT_CUDA_OK(driver.memHostGetDevicePointer(&mapped, memory, 0));
  float *values = static_cast<float *>(memory);
  std::iota(values, values + 32, 1.0f);
  EXPECT_CUDA_OK(launch(mapped, y));
  EXPECT_EQ(download<float>(y, 32)[6], 14);
  EXPECT_CUDA_REFUSED(driver.memFree(mapped), Result::InvalidValue, "cuMemFreeHost is for it");
  EXPECT_CUDA_REFUSED(driver.memHostGetDevicePointer(&mapped, pin<float>(4), 0), Result::InvalidValue,
                      "CU_MEMHOSTALLOC_DEVICEMAP");
  EXPECT_CUDA_OK(driver.memFreeHost(memory));
  void *much = nullptr;
  EXPECT_CUDA_REFUSED(driver.memHostAlloc(&much, size_t(1) << 50, hostAllocDeviceMap), Result::OutOfMemory,
                      "of pinned memory are asked for");
  EXPECT_CUDA_OK(driver.streamSynchronize(stream));
}

TEST_F(EmulatedDriver, RefusesLaunchesThatADriverRefuses) {
  DevicePointer x = allocate(4096), y = allocate(4096);
  EXPECT_CUDA_REFUSED(launch(x, y, 0), Result::InvalidValue, "double.and.add", "grid", "[0, 1, 1]");
  EXPECT_CUDA_REFUSED(launch(x, y, 1, 1025), Result::InvalidValue, "[1025, 1, 1]", "1024");
  EXPECT_CUDA_REFUSED(launch(x, y, 1, 64), Result::InvalidValue, "compiled for 32");
  EXPECT_CUDA_REFUSED(launch(x, y, 1, 32, (48 << 10) + 1), Result::InvalidValue, "49153 bytes",
                      "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES");
  auto setShared = [&](int bytes) {
    return driver.funcSetAttribute(function, FunctionAttribute::MaxDynamicSharedBytes, bytes);
  };
  EXPECT_CUDA_REFUSED(setShared((227 << 10) + 1), Result::InvalidValue, "232448");
  EXPECT_CUDA_OK(setShared(100 << 10));
  EXPECT_CUDA_OK(driver.memsetD8Async(x, 0, 4096, stream));
  EXPECT_CUDA_OK(driver.memsetD8Async(y, 0, 4096, stream));
  EXPECT_CUDA_OK(launch(x, y, 1, 32, 100 << 10));
  EXPECT_CUDA_REFUSED(driver.launchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, nullptr, nullptr),
                      Result::InvalidValue, "list of parameters");
  Function *missing = nullptr;
  EXPECT_CUDA_REFUSED(driver.moduleGetFunction(&missing, module, "triple"), Result::NotFound, "triple");
  EXPECT_CUDA_OK(driver.streamSynchronize(stream));
}

TEST_F(EmulatedDriver, RefusesCopiesBeyondAndOfFreedMemory) {
  DevicePointer x = allocate(64, "x");
  std::vector<float> values(17);
  EXPECT_CUDA_REFUSED(driver.memcpyHtoDAsync(x, values.data(), 68, stream), Result::InvalidValue, "68 bytes",
                      "beyond the end of x (64 bytes)");
  EXPECT_CUDA_REFUSED(driver.memcpyDtoHAsync(values.data(), x + 32, 64, stream), Result::InvalidValue,
                      "from byte 32");
  EXPECT_CUDA_OK(driver.memFree(x));
  allocations.clear();
  EXPECT_CUDA_REFUSED(driver.memcpyHtoDAsync(x, values.data(), 4, stream), Result::InvalidValue,
                      "what was x, which is freed");
  EXPECT_CUDA_REFUSED(driver.memFree(x), Result::InvalidValue, "which is freed");
  DevicePointer none = 0;
  EXPECT_CUDA_REFUSED(driver.memAlloc(&none, size_t(1) << 50), Result::OutOfMemory, "are asked for",
                      "are free");
}

TEST_F(EmulatedDriver, FreedMemoryIsUsedAgainAndNotZeroed) {
  DevicePointer first = allocate(1000, "first");
  EXPECT_EQ(download<uint8_t>(first, 1000)[999], 0xcd);
  EXPECT_CUDA_OK(driver.memFree(first));
  allocations.clear();
  DevicePointer second = allocate(900, "second");
  EXPECT_EQ(second, first);
  EXPECT_EQ(emulatedMemory().used, 900u);
}

TEST_F(EmulatedDriver, AKernelsFaultEndsTheContext) {
  DevicePointer x = upload(counting(32), "x"), y = allocate(64, "y");
  EXPECT_CUDA_OK(launch(x, y));
  EXPECT_CUDA_REFUSED(driver.streamSynchronize(stream), Result::LaunchFailed, "out-of-bounds access",
                      "double.and.add", "after the end of y");
  EXPECT_EQ(launch(x, y), Result::LaunchFailed);
  EXPECT_EQ(driver.memFree(x), Result::LaunchFailed);
}

TEST_F(EmulatedDriver, ALaunchMayTouchWhatItIsShown) {
  DevicePointer all = upload(std::vector<float>(1024, 1), "the arena");
  auto show = [&](size_t bytes) {
    return table.emulator.showNextLaunch({all}, {{all, 128, "x"}, {all + 2048, bytes, "y"}});
  };
  EXPECT_CUDA_OK(show(128));
  EXPECT_CUDA_OK(launch(all, all + 2048));
  EXPECT_CUDA_OK(launch(all + 2048, all)); // nothing said: everything
  EXPECT_CUDA_OK(show(124));
  EXPECT_CUDA_OK(launch(all, all + 2048));
  EXPECT_CUDA_REFUSED(driver.streamSynchronize(stream), Result::LaunchFailed, "out-of-bounds access",
                      "after the end of y (124 bytes)");
}

TEST_F(EmulatedDriver, TheHostMustWaitForCopies) {
  float *host = pin<float>(32);
  std::iota(host, host + 32, 1.0f);
  DevicePointer x = allocate(128, "x");
  EXPECT_CUDA_OK(driver.memcpyHtoDAsync(x, host, 128, stream));
  EXPECT_CUDA_OK(table.emulator.hostAccess(host, 128, false));
  EXPECT_CUDA_REFUSED(table.emulator.hostAccess(host + 1, 4, true), Result::IllegalState, "the host writes",
                      "cuMemcpyHtoDAsync to x", "may still be reading");
  EXPECT_CUDA_OK(driver.streamSynchronize(stream));
  EXPECT_CUDA_OK(table.emulator.hostAccess(host, 128, true));
  EXPECT_CUDA_OK(driver.memcpyDtoHAsync(host, x, 128, stream));
  EXPECT_CUDA_REFUSED(table.emulator.hostAccess(host, 4, false), Result::IllegalState, "the host reads",
                      "cuMemcpyDtoHAsync from x", "may still be writing");
  EXPECT_FALSE(host[3] == 4) << "who reads all the same finds no number";
  Event *event = nullptr;
  EXPECT_CUDA_OK(driver.eventCreate(&event, eventDisableTiming));
  EXPECT_CUDA_OK(driver.eventRecord(event, stream));
  EXPECT_CUDA_OK(driver.eventSynchronize(event));
  EXPECT_CUDA_OK(table.emulator.hostAccess(host, 128, false));
  EXPECT_EQ(host[3], 4);
  EXPECT_CUDA_OK(driver.eventDestroy(event));
  EXPECT_CUDA_REFUSED(table.emulator.hostAccess(host, 132, false), Result::InvalidValue, "outside pinned");
}

TEST_F(EmulatedDriver, ASourceOverwrittenTooEarlyIsAFault) {
  float *host = pin<float>(32);
  std::fill_n(host, 32, 1.0f);
  DevicePointer x = allocate(128, "x");
  EXPECT_CUDA_OK(driver.memcpyHtoDAsync(x, host, 128, stream));
  host[5] = 2;
  EXPECT_CUDA_REFUSED(driver.streamSynchronize(stream), Result::IllegalState, "overwritten the source",
                      "to x");
}

TEST_F(EmulatedDriver, StreamsAreOrderedByEventsOnly) {
  Stream *other = nullptr;
  Event *event = nullptr;
  EXPECT_CUDA_OK(driver.streamCreate(&other, streamNonBlocking));
  EXPECT_CUDA_OK(driver.eventCreate(&event, eventDisableTiming));
  float *host = pin<float>(32);
  std::fill_n(host, 32, 7.0f);
  DevicePointer x = allocate(128, "x");
  EXPECT_CUDA_OK(driver.memcpyHtoDAsync(x, host, 128, stream));
  EXPECT_CUDA_REFUSED(driver.memsetD8Async(x + 64, 0, 4, other), Result::IllegalState, "cuMemsetD8Async of x",
                      "cuMemcpyHtoDAsync to x", "cuStreamWaitEvent is missing");
  EXPECT_CUDA_OK(driver.eventRecord(event, stream));
  EXPECT_CUDA_OK(driver.streamWaitEvent(other, event, 0));
  EXPECT_CUDA_OK(driver.memsetD8Async(x + 64, 0, 4, other));
  EXPECT_CUDA_OK(driver.streamSynchronize(other)); // runs what it waits for
  std::vector<float> values = download<float>(x, 32);
  EXPECT_EQ(values[15], 7);
  EXPECT_EQ(values[16], 0);
  EXPECT_CUDA_OK(driver.eventDestroy(event));
  EXPECT_CUDA_OK(driver.streamDestroy(other));
}

TEST_F(EmulatedDriver, TimesBetweenEvents) {
  Event *start = nullptr, *end = nullptr;
  EXPECT_CUDA_OK(driver.eventCreate(&start, 0));
  EXPECT_CUDA_OK(driver.eventCreate(&end, 0));
  EXPECT_CUDA_OK(driver.eventRecord(start, stream));
  DevicePointer x = upload(counting(32));
  EXPECT_CUDA_OK(launch(x, x));
  EXPECT_CUDA_OK(driver.eventRecord(end, stream));
  float milliseconds = -1;
  EXPECT_CUDA_REFUSED(driver.eventElapsedTime(&milliseconds, start, end), Result::NotReady, "waited for");
  EXPECT_CUDA_OK(driver.eventSynchronize(end));
  EXPECT_CUDA_OK(driver.eventElapsedTime(&milliseconds, start, end));
  EXPECT_GT(milliseconds, 0);
  EXPECT_CUDA_OK(driver.eventDestroy(start));
  EXPECT_CUDA_OK(driver.eventDestroy(end));
}

/// What is no emulator has no name of a kernel to give.
TEST_F(EmulatedDriver, AWaitThatTellsOfAFaultSaysHowToFindIt) {
  Table other = table;
  other.emulator = {};
  other.driver.streamSynchronize = [](Stream *) { return Result::IllegalAddress; };
  EXPECT_REFUSED(mlora::cuda::synchronize(other, stream), "CUDA: cuStreamSynchronize gives",
                 "something that was launched before is at fault", "MLORA_CUDA_SYNC=1");
  EXPECT_REFUSED(mlora::cuda::synchronize(other, stream, "norm"), "cuStreamSynchronize behind norm gives");
  mlora::cuda::synchronize(table, stream);
}

TEST(EmulatedContext, NoticesLeaksAndMissingContexts) {
  Table &table = emulated();
  DevicePointer memory = 0;
  EXPECT_CUDA_REFUSED(table.driver.memAlloc(&memory, 4), Result::InvalidContext, "no context is current");
  setEmulatedMemory(1 << 20);
  Context *context = nullptr;
  EXPECT_CUDA_OK(table.driver.primaryCtxRetain(&context, 0));
  EXPECT_CUDA_OK(table.driver.ctxSetCurrent(context));
  EXPECT_CUDA_OK(table.driver.memAlloc(&memory, 1000));
  EXPECT_CUDA_OK(table.emulator.nameAllocation(memory, "the arena"));
  size_t free = 0, total = 0;
  EXPECT_CUDA_OK(table.driver.memGetInfo(&free, &total));
  EXPECT_EQ(total, size_t(1) << 20);
  EXPECT_EQ(free, total - 1000);
  EXPECT_CUDA_REFUSED(table.driver.memAlloc(&memory, total), Result::OutOfMemory,
                      "1048576 bytes are asked for");
  EXPECT_CUDA_REFUSED(table.driver.primaryCtxRelease(0), Result::IllegalState, "the arena (1000 bytes)");
  setEmulatedMemory(0);
}

} // namespace
