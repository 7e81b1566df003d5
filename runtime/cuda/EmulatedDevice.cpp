// Errors, the device, its context and its memory, emulated.
#include "Emulation.h"

#include "mlora/Runtime/Core/Hash.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace mlora::cuda {
namespace {

struct ResultName {
  Result result;
  const char *name, *text;
};

const ResultName resultNames[] = {
    {Result::Success, "CUDA_SUCCESS", "no error"},
    {Result::InvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {Result::OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {Result::NotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {Result::NoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {Result::InvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {Result::InvalidImage, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {Result::InvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {Result::InvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {Result::IllegalState, "CUDA_ERROR_ILLEGAL_STATE",
     "the operation cannot be performed in the present state"},
    {Result::NotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {Result::NotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {Result::IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {Result::LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {Result::StreamCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {Result::StreamCaptureUnmatched, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "the capture was not initiated in this stream"},
    {Result::StreamCaptureUnjoined, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
     "capturing stream has unjoined work"},
    {Result::StreamCaptureIsolation, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
     "dependency created on uncaptured work in another stream"},
    {Result::CapturedEvent, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
};

const ResultName *find(Result result) {
  for (const ResultName &known : resultNames)
    if (known.result == result)
      return &known;
  return nullptr;
}

/// Zeros without pages where there are whole ones.
void fill(char *to, unsigned char value, size_t bytes) {
  constexpr uintptr_t page = 4096;
  auto begin = reinterpret_cast<uintptr_t>(to);
  uintptr_t first = (begin + page - 1) / page * page, last = (begin + bytes) / page * page;
  if (value != 0 || first >= last) {
    std::memset(to, value, bytes);
    return;
  }
  std::memset(to, 0, first - begin);
  madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
  std::memset(reinterpret_cast<void *>(last), 0, begin + bytes - last);
}

uint64_t addressOf(const void *memory) { return reinterpret_cast<uint64_t>(memory); }

/// Freed between the call and the moment when the copy runs.
void stillThere(Emulation &device, DevicePointer memory, size_t bytes, const std::string &name) {
  try {
    device.allocationOf(memory, bytes, name);
  } catch (const Refusal &refusal) {
    refuse(Result::IllegalAddress, refusal.text);
  }
}

} // namespace

Result emulated_getErrorName(Result error, const char **text) {
  const ResultName *known = find(error);
  *text = known ? known->name : nullptr;
  return known ? Result::Success : Result::InvalidValue;
}

Result emulated_getErrorString(Result error, const char **text) {
  const ResultName *known = find(error);
  *text = known ? known->text : nullptr;
  return known ? Result::Success : Result::InvalidValue;
}

Result emulated_init(unsigned flags) { return flags == 0 ? Result::Success : Result::InvalidValue; }

Result emulated_driverGetVersion(int *version) {
  *version = 13000;
  return Result::Success;
}

Result emulated_deviceGetCount(int *count) {
  *count = 1;
  return Result::Success;
}

Result emulated_deviceGet(DeviceId *device, int ordinal) {
  *device = 0;
  return ordinal == 0 ? Result::Success : Result::InvalidDevice;
}

Result emulated_deviceGetName(char *name, int length, DeviceId) {
  std::snprintf(name, size_t(length), "the emulated GPU");
  return Result::Success;
}

Result emulated_deviceGetAttribute(int *value, DeviceAttribute attribute, DeviceId) {
  switch (attribute) {
  case DeviceAttribute::MaxThreadsPerBlock:
    *value = Emulation::mostThreads;
    return Result::Success;
  case DeviceAttribute::MaxGridX:
    *value = Emulation::mostGridX;
    return Result::Success;
  case DeviceAttribute::MaxSharedBytesPerBlock:
    *value = Emulation::sharedBytes;
    return Result::Success;
  case DeviceAttribute::MaxSharedBytesPerBlockOptIn:
    *value = Emulation::sharedBytesOptIn;
    return Result::Success;
  case DeviceAttribute::Multiprocessors:
    *value = 1;
    return Result::Success;
  case DeviceAttribute::ComputeCapabilityMajor:
    *value = 9;
    return Result::Success;
  case DeviceAttribute::ComputeCapabilityMinor:
    *value = 0;
    return Result::Success;
  }
  return Result::InvalidValue;
}

Result emulated_primaryCtxRetain(Context **context, DeviceId) {
  Emulation &device = Emulation::get();
  ++device.retained;
  *context = &device.context;
  return Result::Success;
}

Result emulated_primaryCtxRelease(DeviceId) {
  Emulation &device = Emulation::get();
  if (device.retained == 0)
    return Result::InvalidContext;
  if (--device.retained > 0)
    return Result::Success;
  try {
    device.releaseContext();
  } catch (const Refusal &refusal) {
    device.explanation = refusal.text;
    return refusal.result;
  }
  return Result::Success;
}

Result emulated_ctxSetCurrent(Context *context) {
  Emulation &device = Emulation::get();
  if (context && (context != &device.context || device.retained == 0))
    return Result::InvalidContext;
  device.current = context;
  return Result::Success;
}

Result emulated_memGetInfo(size_t *free, size_t *total) {
  return guarded("cuMemGetInfo", [&](Emulation &device) {
    device.memory();
    *free = device.total - device.usedBytes();
    *total = device.total;
  });
}

Result emulated_memAlloc(DevicePointer *memory, size_t bytes) {
  return guarded("cuMemAlloc", [&](Emulation &device) {
    device.checkNotCapturing("cuMemAlloc");
    if (bytes == 0)
      refuse(Result::InvalidValue, "cuMemAlloc of 0 bytes");
    *memory = device.allocate(bytes, "an allocation");
  });
}

Result emulated_memFree(DevicePointer memory) {
  return guarded("cuMemFree", [&](Emulation &device) {
    device.checkNotCapturing("cuMemFree");
    device.free(memory);
  });
}

Result emulated_nameAllocation(DevicePointer memory, const char *name) {
  return guarded("a name", [&](Emulation &device) {
    device.allocationOf(memory, 0, name);
    device.allocations[memory].name = name;
    device.memory().rename(reinterpret_cast<char *>(memory), name);
  });
}

Result emulated_memHostAlloc(void **memory, size_t bytes, unsigned flags) {
  return guarded("cuMemHostAlloc", [&](Emulation &device) {
    device.checkNotCapturing("cuMemHostAlloc");
    if (bytes && (flags & hostAllocDeviceMap)) {
      *memory = device.allocateMapped(bytes);
      return;
    }
    *memory = bytes ? std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096) : nullptr;
    if (!*memory)
      refuse(bytes ? Result::OutOfMemory : Result::InvalidValue, "cuMemHostAlloc of " + bytesText(bytes));
    device.pinned[*memory] = bytes;
  });
}

Result emulated_memFreeHost(void *memory) {
  return guarded("cuMemFreeHost", [&](Emulation &device) {
    auto found = device.pinned.find(memory);
    if (found == device.pinned.end())
      refuse(Result::InvalidValue, "cuMemFreeHost: no allocation of cuMemHostAlloc begins there");
    device.checkHostAccess(memory, found->second, true);
    device.pinned.erase(found);
    if (device.allocations.erase(addressOf(memory)))
      device.memory().free(static_cast<char *>(memory));
    else
      std::free(memory);
  });
}

Result emulated_memHostGetDevicePointer(DevicePointer *memory, void *host, unsigned) {
  return guarded("cuMemHostGetDevicePointer", [&](Emulation &device) {
    auto found = device.allocations.find(addressOf(host));
    if (found == device.allocations.end() || !found->second.isHosts)
      refuse(Result::InvalidValue, "cuMemHostGetDevicePointer: no allocation of cuMemHostAlloc with "
                                   "CU_MEMHOSTALLOC_DEVICEMAP begins there");
    *memory = found->first;
  });
}

Result emulated_hostAccess(const void *memory, size_t bytes, bool writes) {
  return guarded("an access of the host", [&](Emulation &device) {
    if (!device.isPinned(memory, bytes))
      refuse(Result::InvalidValue, "the host's access of " + bytesText(bytes) + " is outside pinned memory");
    device.checkHostAccess(memory, bytes, writes);
  });
}

Result emulated_memcpyHtoDAsync(DevicePointer to, const void *from, size_t bytes, Stream *handle) {
  return guarded("cuMemcpyHtoDAsync", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    std::string name = "cuMemcpyHtoDAsync to " + device.allocationOf(to, bytes, "cuMemcpyHtoDAsync").name;
    auto *target = reinterpret_cast<char *>(to);
    Operation copy{name, {{to, bytes, true}}, nullptr};
    if (!device.isPinned(from, bytes)) {
      // The real one has taken pageable memory by the time it returns.
      if (device.isCapturing())
        refuse(Result::StreamCaptureUnsupported,
               name + " from memory that is not pinned, while a stream is captured");
      auto *bytesOfHost = static_cast<const char *>(from);
      copy.run = [&device, to, bytes, name, target,
                  taken = std::vector<char>(bytesOfHost, bytesOfHost + bytes)] {
        stillThere(device, to, bytes, name);
        std::memcpy(target, taken.data(), bytes);
      };
      return device.enqueue(stream, std::move(copy));
    }
    copy.ranges.push_back({addressOf(from), bytes, false});
    // A captured copy takes what is there when its graph runs; what is mapped, kernels before it may still
    // write.
    std::string before = stream.capture || device.isMapped(from) ? "" : hashHex(from, bytes);
    copy.run = [&device, to, bytes, name, target, from, before] {
      stillThere(device, to, bytes, name);
      if (!before.empty() && hashHex(from, bytes) != before)
        refuse(Result::IllegalState, name + ": the host has overwritten the source before the copy was done");
      std::memcpy(target, from, bytes);
    };
    device.enqueue(stream, std::move(copy));
  });
}

Result emulated_memcpyDtoHAsync(void *to, DevicePointer from, size_t bytes, Stream *handle) {
  return guarded("cuMemcpyDtoHAsync", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    std::string name = "cuMemcpyDtoHAsync from " + device.allocationOf(from, bytes, "cuMemcpyDtoHAsync").name;
    bool isPinned = device.isPinned(to, bytes);
    if (!isPinned && device.isCapturing())
      refuse(Result::StreamCaptureUnsupported,
             name + " to memory that is not pinned, while a stream is captured");
    Operation copy{name, {{from, bytes, false}}, [&device, from, bytes, name, to] {
                     stillThere(device, from, bytes, name);
                     std::memcpy(to, reinterpret_cast<const char *>(from), bytes);
                   }};
    if (isPinned) {
      copy.ranges.push_back({addressOf(to), bytes, true});
      if (!stream.capture) // who reads before waiting finds no numbers
        std::memset(to, 0xff, bytes);
    }
    device.enqueue(stream, std::move(copy));
    if (!isPinned) { // the real one returns when such a copy is done
      device.runAll(stream);
      device.hostWaited(stream.order);
    }
  });
}

Result emulated_memcpyDtoDAsync(DevicePointer to, DevicePointer from, size_t bytes, Stream *handle) {
  return guarded("cuMemcpyDtoDAsync", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    std::string name = "cuMemcpyDtoDAsync from " + device.allocationOf(from, bytes, "cuMemcpyDtoDAsync").name +
                       " to " + device.allocationOf(to, bytes, "cuMemcpyDtoDAsync").name;
    if (from < to + bytes && to < from + bytes)
      refuse(Result::InvalidValue, name + ": source and target overlap");
    device.enqueue(stream, {name, {{from, bytes, false}, {to, bytes, true}}, [&device, to, from, bytes, name] {
                              stillThere(device, from, bytes, name);
                              stillThere(device, to, bytes, name);
                              std::memcpy(reinterpret_cast<char *>(to), reinterpret_cast<const char *>(from),
                                          bytes);
                            }});
  });
}

Result emulated_memsetD8Async(DevicePointer to, unsigned char value, size_t bytes, Stream *handle) {
  return guarded("cuMemsetD8Async", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    std::string name = "cuMemsetD8Async of " + device.allocationOf(to, bytes, "cuMemsetD8Async").name;
    device.enqueue(stream, {name, {{to, bytes, true}}, [&device, to, value, bytes, name] {
                              stillThere(device, to, bytes, name);
                              fill(reinterpret_cast<char *>(to), value, bytes);
                            }});
  });
}

} // namespace mlora::cuda
