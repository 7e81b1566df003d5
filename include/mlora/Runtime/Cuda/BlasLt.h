// What the runtime uses of cuBLASLt: types, values and a table of functions. Values are those of the cuBLAS
// 13.0 documentation, "cuBLASLt Datatypes Reference" and "cuBLAS Datatypes Reference".
#pragma once

#include "mlora/Runtime/Cuda/Driver.h"

namespace mlora::cuda {

/// cublasStatus_t
enum class BlasStatus : int {
  Success = 0,
  NotInitialized = 1,
  AllocFailed = 3,
  InvalidValue = 7,
  ArchMismatch = 8,
  ExecutionFailed = 13,
  InternalError = 14,
  NotSupported = 15,
};

/// cublasComputeType_t. Compute32F multiplies f32 in f32; the FAST types may round operands.
enum class ComputeType : int {
  Compute16F = 64,
  Compute32F = 68,
  Compute32FPedantic = 69,
  Compute32FFastTF32 = 77
};

/// cudaDataType_t
enum class DataType : int { F32 = 0, F64 = 1, F16 = 2, BF16 = 14 };

/// cublasOperation_t
enum class Transposition : int32_t { None = 0, Transposed = 1, Conjugated = 2 };

/// cublasLtOrder_t
enum class Order : int32_t { Columns = 0, Rows = 1 };

/// cublasLtMatmulDescAttributes_t
enum class MatmulAttribute : int {
  ComputeType = 0,
  ScaleType = 1,
  PointerMode = 2,
  TransA = 3,
  TransB = 4,
  TransC = 5,
};

/// cublasLtMatrixLayoutAttribute_t
enum class LayoutAttribute : int {
  Type = 0,
  Order = 1,
  Rows = 2,
  Columns = 3,
  LeadingDimension = 4,
  BatchCount = 5,
};

/// cublasLtMatmulPreferenceAttributes_t
enum class PreferenceAttribute : int {
  MaxWorkspaceBytes = 1,
  ReductionSchemes = 3,
  MinAlignmentA = 5,
  MinAlignmentB = 6,
  MinAlignmentC = 7,
  MinAlignmentD = 8,
};

/// cublasLtReductionScheme_t: where an algorithm that splits K adds its parts. Bits of a preference's mask;
/// algorithms that do not split are always allowed. InPlace and OutputType round parts to the result's type.
enum class ReductionScheme : uint32_t { None = 0, InPlace = 1, ComputeType = 2, OutputType = 4 };

// Opaque.
struct BlasLt;
struct MatmulDesc;
struct MatrixLayout;
struct Preference;

/// cublasLtMatmulAlgo_t
struct Algorithm {
  uint64_t data[8] = {};
};

/// cublasLtMatmulHeuristicResult_t
struct Heuristic {
  Algorithm algorithm;
  size_t workspaceBytes = 0;
  BlasStatus state = BlasStatus::Success;
  float waves = 0;
  int reserved[4] = {};
};

struct BlasLtTable {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a list of parameters
#define MLORA_BLASLT_FUNCTION(name, symbol, parameters) BlasStatus(*name) parameters = nullptr;
#include "mlora/Runtime/Cuda/BlasLtFunctions.def"
  const char *(*statusString)(BlasStatus status) = nullptr; ///< cublasLtGetStatusString
  size_t (*version)() = nullptr;                            ///< cublasLtGetVersion
};

} // namespace mlora::cuda
