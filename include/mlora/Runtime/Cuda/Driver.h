// What the runtime uses of CUDA's driver API: types, values and a table of functions. No header of NVIDIA's
// is needed; values are those of the CUDA 13.0 driver API reference, "Data types used by CUDA driver".
#pragma once

#include <cstddef>
#include <cstdint>

namespace mlora::cuda {

/// CUresult; others are told by name and text only.
enum class Result : int {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  NoDevice = 100,
  InvalidDevice = 101,
  InvalidImage = 200,
  InvalidContext = 201,
  InvalidPtx = 218,
  UnsupportedPtxVersion = 222,
  InvalidHandle = 400,
  IllegalState = 401,
  NotFound = 500,
  NotReady = 600,
  IllegalAddress = 700,
  LaunchOutOfResources = 701,
  LaunchFailed = 719,
  StreamCaptureUnsupported = 900,
  StreamCaptureUnmatched = 903,
  StreamCaptureUnjoined = 904,
  StreamCaptureIsolation = 905,
  CapturedEvent = 907,
};

/// CUdevice_attribute
enum class DeviceAttribute : int {
  MaxThreadsPerBlock = 1,
  MaxGridX = 5,
  MaxSharedBytesPerBlock = 8,
  Multiprocessors = 16,
  ComputeCapabilityMajor = 75,
  ComputeCapabilityMinor = 76,
  MaxSharedBytesPerBlockOptIn = 97,
};

/// CUfunction_attribute
enum class FunctionAttribute : int { MaxDynamicSharedBytes = 8 };

/// CUjit_option; what is a number travels in the pointer that is its value.
enum class JitOption : int { ErrorLogBuffer = 5, ErrorLogBufferBytes = 6 };

/// CUstreamCaptureMode
enum class CaptureMode : int { ThreadLocal = 1 };

/// CUtensorMapDataType
enum class TensorType : int { F16 = 6, F32 = 7, BF16 = 9 };

/// CUtensorMapInterleave
enum class TensorInterleave : int { None = 0, Bytes16 = 1, Bytes32 = 2 };

/// CUtensorMapSwizzle
enum class TensorSwizzle : int { None = 0, Bytes32 = 1, Bytes64 = 2, Bytes128 = 3 };

/// CUtensorMapL2promotion
enum class TensorPromotion : int { None = 0, Bytes64 = 1, Bytes128 = 2, Bytes256 = 3 };

/// CUtensorMapFloatOOBfill: what elements outside the tensor are read as.
enum class TensorFill : int { Zeros = 0, NaN = 1 };

/// CUtensorMap: NVIDIA does not publish what is in it. Older drivers are content with 64 bytes of alignment.
struct alignas(128) TensorMap {
  uint64_t words[16] = {};
};

/// CU_STREAM_NON_BLOCKING, CU_EVENT_DISABLE_TIMING
constexpr unsigned streamNonBlocking = 1, eventDisableTiming = 2;
/// CU_MEMHOSTALLOC_PORTABLE, CU_MEMHOSTALLOC_DEVICEMAP
constexpr unsigned hostAllocPortable = 1, hostAllocDeviceMap = 2;

using DeviceId = int;
using DevicePointer = unsigned long long;

// Opaque; the emulator says what its own are (runtime/cuda/Emulation.h).
struct Context;
struct Module;
struct Function;
struct Stream;
struct Event;
struct Graph;
struct GraphExec;

struct DriverTable {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a list of parameters
#define MLORA_DRIVER_FUNCTION(name, symbol, parameters) Result(*name) parameters = nullptr;
#include "mlora/Runtime/Cuda/DriverFunctions.def"
};

} // namespace mlora::cuda
