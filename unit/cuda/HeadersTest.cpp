// Our declarations beside NVIDIA's own, where a toolkit is installed (nothing here needs one to build).
#include "mlora/Runtime/Cuda/Cuda.h"

#include <gtest/gtest.h>

#include <dlfcn.h>

#if __has_include("/usr/local/cuda/include/cublasLt.h")
#define MLORA_HAS_TOOLKIT 1
#elif __has_include("/usr/local/cuda-13.0/include/cublasLt.h")
#define MLORA_HAS_TOOLKIT 13
#endif
#if MLORA_HAS_TOOLKIT == 1
#include "/usr/local/cuda/include/cublasLt.h"
#include "/usr/local/cuda/include/cuda.h"
#elif MLORA_HAS_TOOLKIT == 13
#include "/usr/local/cuda-13.0/include/cublasLt.h"
#include "/usr/local/cuda-13.0/include/cuda.h"
#endif

namespace {

using namespace mlora::cuda;

#ifdef MLORA_HAS_TOOLKIT
#define SAME(ours, theirs) static_assert(int(ours) == int(theirs))
SAME(Result::InvalidValue, CUDA_ERROR_INVALID_VALUE);
SAME(Result::OutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
SAME(Result::NotInitialized, CUDA_ERROR_NOT_INITIALIZED);
SAME(Result::NoDevice, CUDA_ERROR_NO_DEVICE);
SAME(Result::InvalidDevice, CUDA_ERROR_INVALID_DEVICE);
SAME(Result::InvalidImage, CUDA_ERROR_INVALID_IMAGE);
SAME(Result::InvalidContext, CUDA_ERROR_INVALID_CONTEXT);
SAME(Result::InvalidPtx, CUDA_ERROR_INVALID_PTX);
SAME(Result::UnsupportedPtxVersion, CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
SAME(Result::InvalidHandle, CUDA_ERROR_INVALID_HANDLE);
SAME(Result::IllegalState, CUDA_ERROR_ILLEGAL_STATE);
SAME(Result::NotFound, CUDA_ERROR_NOT_FOUND);
SAME(Result::NotReady, CUDA_ERROR_NOT_READY);
SAME(Result::IllegalAddress, CUDA_ERROR_ILLEGAL_ADDRESS);
SAME(Result::LaunchOutOfResources, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
SAME(Result::LaunchFailed, CUDA_ERROR_LAUNCH_FAILED);
SAME(Result::StreamCaptureUnsupported, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
SAME(Result::StreamCaptureUnmatched, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
SAME(Result::StreamCaptureUnjoined, CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
SAME(Result::StreamCaptureIsolation, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
SAME(Result::CapturedEvent, CUDA_ERROR_CAPTURED_EVENT);
SAME(DeviceAttribute::MaxThreadsPerBlock, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
SAME(DeviceAttribute::MaxGridX, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X);
SAME(DeviceAttribute::MaxSharedBytesPerBlock, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
SAME(DeviceAttribute::Multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(DeviceAttribute::ComputeCapabilityMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(DeviceAttribute::ComputeCapabilityMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(DeviceAttribute::MaxSharedBytesPerBlockOptIn, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
SAME(FunctionAttribute::MaxDynamicSharedBytes, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME(JitOption::ErrorLogBuffer, CU_JIT_ERROR_LOG_BUFFER);
SAME(JitOption::ErrorLogBufferBytes, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
SAME(CaptureMode::ThreadLocal, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
SAME(streamNonBlocking, CU_STREAM_NON_BLOCKING);
SAME(eventDisableTiming, CU_EVENT_DISABLE_TIMING);
SAME(hostAllocPortable, CU_MEMHOSTALLOC_PORTABLE);
SAME(hostAllocDeviceMap, CU_MEMHOSTALLOC_DEVICEMAP);
SAME(TensorType::F16, CU_TENSOR_MAP_DATA_TYPE_FLOAT16);
SAME(TensorType::F32, CU_TENSOR_MAP_DATA_TYPE_FLOAT32);
SAME(TensorType::BF16, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16);
SAME(TensorInterleave::Bytes16, CU_TENSOR_MAP_INTERLEAVE_16B);
SAME(TensorInterleave::Bytes32, CU_TENSOR_MAP_INTERLEAVE_32B);
SAME(TensorSwizzle::Bytes32, CU_TENSOR_MAP_SWIZZLE_32B);
SAME(TensorSwizzle::Bytes64, CU_TENSOR_MAP_SWIZZLE_64B);
SAME(TensorSwizzle::Bytes128, CU_TENSOR_MAP_SWIZZLE_128B);
SAME(TensorPromotion::Bytes64, CU_TENSOR_MAP_L2_PROMOTION_L2_64B);
SAME(TensorPromotion::Bytes128, CU_TENSOR_MAP_L2_PROMOTION_L2_128B);
SAME(TensorPromotion::Bytes256, CU_TENSOR_MAP_L2_PROMOTION_L2_256B);
SAME(TensorFill::NaN, CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA);
static_assert(sizeof(TensorMap) == sizeof(CUtensorMap) && alignof(TensorMap) >= alignof(CUtensorMap));
static_assert(sizeof(DevicePointer) == sizeof(CUdeviceptr) && sizeof(DeviceId) == sizeof(CUdevice));

SAME(BlasStatus::NotInitialized, CUBLAS_STATUS_NOT_INITIALIZED);
SAME(BlasStatus::AllocFailed, CUBLAS_STATUS_ALLOC_FAILED);
SAME(BlasStatus::InvalidValue, CUBLAS_STATUS_INVALID_VALUE);
SAME(BlasStatus::ArchMismatch, CUBLAS_STATUS_ARCH_MISMATCH);
SAME(BlasStatus::ExecutionFailed, CUBLAS_STATUS_EXECUTION_FAILED);
SAME(BlasStatus::InternalError, CUBLAS_STATUS_INTERNAL_ERROR);
SAME(BlasStatus::NotSupported, CUBLAS_STATUS_NOT_SUPPORTED);
SAME(ComputeType::Compute16F, CUBLAS_COMPUTE_16F);
SAME(ComputeType::Compute32F, CUBLAS_COMPUTE_32F);
SAME(ComputeType::Compute32FPedantic, CUBLAS_COMPUTE_32F_PEDANTIC);
SAME(ComputeType::Compute32FFastTF32, CUBLAS_COMPUTE_32F_FAST_TF32);
SAME(DataType::F32, CUDA_R_32F);
SAME(DataType::F64, CUDA_R_64F);
SAME(DataType::F16, CUDA_R_16F);
SAME(DataType::BF16, CUDA_R_16BF);
SAME(Transposition::Transposed, CUBLAS_OP_T);
SAME(Transposition::Conjugated, CUBLAS_OP_C);
SAME(Order::Columns, CUBLASLT_ORDER_COL);
SAME(Order::Rows, CUBLASLT_ORDER_ROW);
SAME(MatmulAttribute::ComputeType, CUBLASLT_MATMUL_DESC_COMPUTE_TYPE);
SAME(MatmulAttribute::ScaleType, CUBLASLT_MATMUL_DESC_SCALE_TYPE);
SAME(MatmulAttribute::PointerMode, CUBLASLT_MATMUL_DESC_POINTER_MODE);
SAME(MatmulAttribute::TransA, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(MatmulAttribute::TransB, CUBLASLT_MATMUL_DESC_TRANSB);
SAME(MatmulAttribute::TransC, CUBLASLT_MATMUL_DESC_TRANSC);
SAME(LayoutAttribute::Type, CUBLASLT_MATRIX_LAYOUT_TYPE);
SAME(LayoutAttribute::Order, CUBLASLT_MATRIX_LAYOUT_ORDER);
SAME(LayoutAttribute::Rows, CUBLASLT_MATRIX_LAYOUT_ROWS);
SAME(LayoutAttribute::Columns, CUBLASLT_MATRIX_LAYOUT_COLS);
SAME(LayoutAttribute::LeadingDimension, CUBLASLT_MATRIX_LAYOUT_LD);
SAME(LayoutAttribute::BatchCount, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
SAME(PreferenceAttribute::MaxWorkspaceBytes, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(PreferenceAttribute::ReductionSchemes, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
SAME(PreferenceAttribute::MinAlignmentA, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(PreferenceAttribute::MinAlignmentB, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(PreferenceAttribute::MinAlignmentC, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(PreferenceAttribute::MinAlignmentD, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
SAME(ReductionScheme::None, CUBLASLT_REDUCTION_SCHEME_NONE);
SAME(ReductionScheme::InPlace, CUBLASLT_REDUCTION_SCHEME_INPLACE);
SAME(ReductionScheme::ComputeType, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
SAME(ReductionScheme::OutputType, CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE);
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(Heuristic) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(Heuristic, workspaceBytes) ==
              offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(Heuristic, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));

/// Arguments that travel alike: numbers and enumerations of one size, or pointers.
template <typename Ours, typename Theirs>
constexpr bool sameArgument = (std::is_pointer_v<Ours> && std::is_pointer_v<Theirs>) ||
                              (!std::is_pointer_v<Ours> && !std::is_pointer_v<Theirs> &&
                               sizeof(Ours) == sizeof(Theirs));
template <typename Ours, typename Theirs> struct SameCall : std::false_type {};
template <typename OurResult, typename... Ours, typename TheirResult, typename... Theirs>
requires(sizeof...(Ours) ==
         sizeof...(Theirs)) struct SameCall<OurResult (*)(Ours...), TheirResult (*)(Theirs...)>
    : std::bool_constant<sameArgument<OurResult, TheirResult> && (sameArgument<Ours, Theirs> && ...)> {
};

#define SAME_CALL(name, function)                                                                            \
  static_assert(SameCall<decltype(DriverTable::name), decltype(&function)>::value)
SAME_CALL(moduleLoadDataEx, cuModuleLoadDataEx);
SAME_CALL(launchKernel, cuLaunchKernel);
SAME_CALL(tensorMapEncodeTiled, cuTensorMapEncodeTiled);
SAME_CALL(memcpyHtoDAsync, cuMemcpyHtoDAsync);
SAME_CALL(memcpyDtoHAsync, cuMemcpyDtoHAsync);
SAME_CALL(memcpyDtoDAsync, cuMemcpyDtoDAsync);
SAME_CALL(memsetD8Async, cuMemsetD8Async);
SAME_CALL(memAlloc, cuMemAlloc);
SAME_CALL(memHostAlloc, cuMemHostAlloc);
SAME_CALL(memHostGetDevicePointer, cuMemHostGetDevicePointer);
SAME_CALL(memGetInfo, cuMemGetInfo);
SAME_CALL(primaryCtxRetain, cuDevicePrimaryCtxRetain);
SAME_CALL(streamWaitEvent, cuStreamWaitEvent);
SAME_CALL(streamBeginCapture, cuStreamBeginCapture);
SAME_CALL(streamEndCapture, cuStreamEndCapture);
SAME_CALL(eventElapsedTime, cuEventElapsedTime);
SAME_CALL(graphInstantiate, cuGraphInstantiateWithFlags);
SAME_CALL(graphLaunch, cuGraphLaunch);
SAME_CALL(funcSetAttribute, cuFuncSetAttribute);
#undef SAME_CALL
#define SAME_CALL(name, function)                                                                            \
  static_assert(SameCall<decltype(BlasLtTable::name), decltype(&function)>::value)
SAME_CALL(create, cublasLtCreate);
SAME_CALL(matmulDescCreate, cublasLtMatmulDescCreate);
SAME_CALL(matmulDescSetAttribute, cublasLtMatmulDescSetAttribute);
SAME_CALL(matrixLayoutCreate, cublasLtMatrixLayoutCreate);
SAME_CALL(matrixLayoutSetAttribute, cublasLtMatrixLayoutSetAttribute);
SAME_CALL(preferenceSetAttribute, cublasLtMatmulPreferenceSetAttribute);
SAME_CALL(matmulAlgoGetHeuristic, cublasLtMatmulAlgoGetHeuristic);
SAME_CALL(matmulAlgoCheck, cublasLtMatmulAlgoCheck);
SAME_CALL(matmul, cublasLtMatmul);
SAME_CALL(statusString, cublasLtGetStatusString);
#endif

void *open(std::initializer_list<const char *> paths) {
  for (const char *path : paths)
    if (void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL))
      return library;
  return nullptr;
}

TEST(Headers, NvidiasLibrariesHaveTheSymbols) {
  void *driver = open({"libcuda.so.1", "/usr/local/cuda/lib64/stubs/libcuda.so",
                       "/usr/local/cuda-13.0/lib/stubs/libcuda.so"});
  void *blas = open({"libcublasLt.so.13", "/usr/local/cuda/lib64/libcublasLt.so.13",
                     "/usr/local/cuda-13.0/lib64/libcublasLt.so.13"});
  if (!driver && !blas)
    GTEST_SKIP() << "neither a driver (or its stub) nor cuBLASLt is here";
#define MLORA_DRIVER_FUNCTION(name, symbol, parameters)                                                      \
  EXPECT_TRUE(!driver || dlsym(driver, symbol)) << symbol;
#include "mlora/Runtime/Cuda/DriverFunctions.def"
#define MLORA_BLASLT_FUNCTION(name, symbol, parameters) EXPECT_TRUE(!blas || dlsym(blas, symbol)) << symbol;
#include "mlora/Runtime/Cuda/BlasLtFunctions.def"
}

} // namespace
