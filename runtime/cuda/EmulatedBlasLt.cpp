// cuBLASLt's functions, emulated.
#include "EmulatedBlasLt.h"

#include <algorithm>
#include <cstring>

namespace mlora::cuda {
namespace {

constexpr const char *operandNames[] = {"A", "B", "C", "D"};
/// What the first candidate of the heuristic works in, where it may.
constexpr uint64_t candidateWorkspace = 1 << 20;
/// And what its columns must be a multiple of: real ones are not for every size, either.
constexpr uint64_t candidateColumns = 4;

template <typename Body> BlasStatus guardedBlas(Body body) {
  Emulation &device = Emulation::get();
  try {
    if (device.sticky != Result::Success)
      return BlasStatus::ExecutionFailed;
    body(device, BlasObjects::get());
    return BlasStatus::Success;
  } catch (const BlasRefusal &refusal) {
    device.explanation = refusal.text;
    return refusal.status;
  } catch (const Refusal &refusal) {
    device.explanation = refusal.text;
    return BlasStatus::InvalidValue;
  }
}

template <typename Object>
Object &alive(const std::set<const void *> &objects, Object *object, const char *what) {
  if (!objects.contains(object))
    refuseBlas(BlasStatus::InvalidValue, std::string(what) + " is null, destroyed, or no such object");
  return *object;
}

template <typename Object> void destroyIn(std::set<const void *> &objects, Object *object, const char *what) {
  alive(objects, object, what);
  objects.erase(object);
  delete object;
}

/// An attribute's value; its size must be the field's own.
template <typename Field> void assign(Field &field, const void *value, size_t bytes, const char *name) {
  if (!value || bytes != sizeof field)
    refuseBlas(BlasStatus::InvalidValue, std::string(name) + ": " + bytesText(bytes) +
                                             " are given; expected " + std::to_string(sizeof field));
  std::memcpy(&field, value, bytes);
}

[[noreturn]] void unknown(const char *what, int attribute) {
  refuseBlas(BlasStatus::NotSupported,
             std::string(what) + ": attribute " + std::to_string(attribute) + " is not emulated");
}

/// Throws unless an operand's memory is the device's, large enough and aligned as the algorithm needs.
void checkMemory(Emulation &device, const Operand &operand, const void *memory, uint64_t alignment) {
  std::string name = operand.name;
  if (!memory)
    refuseBlas(BlasStatus::InvalidValue, name + " is null");
  auto address = reinterpret_cast<DevicePointer>(memory);
  if (address % alignment)
    refuseBlas(BlasStatus::InvalidValue, name + ": its address is no multiple of " +
                                             std::to_string(alignment) +
                                             ", which the algorithm needs (MIN_ALIGNMENT_" + name +
                                             "_BYTES of the preference it was found with)");
  try {
    device.allocationOf(address, operand.bytes(), name);
  } catch (const Refusal &refusal) {
    refuseBlas(BlasStatus::InvalidValue, refusal.text);
  }
}

void checkWorkspace(Emulation &device, void *workspace, size_t given, uint64_t needed) {
  if (given < needed)
    refuseBlas(BlasStatus::InvalidValue, "workspaceSizeInBytes is " + std::to_string(given) +
                                             ", the algorithm needs " + std::to_string(needed));
  if (given == 0)
    return;
  auto address = reinterpret_cast<DevicePointer>(workspace);
  if (!workspace || address % 16)
    refuseBlas(BlasStatus::InvalidValue, "workspace is null or no multiple of 16 bytes");
  device.allocationOf(address, given, "workspace");
}

/// What an algorithm needs, which must be one for the problem; without one, the alignment of the elements.
AlgorithmNeeds needsOf(const Algorithm *algorithm, const Problem &problem) {
  AlgorithmNeeds needs{AlgorithmNeeds::expected, 0, {}, 0, 1};
  if (algorithm) {
    std::memcpy(&needs, algorithm, sizeof needs);
    if (needs.mark != AlgorithmNeeds::expected)
      refuseBlas(BlasStatus::InvalidValue, "algo does not come from cublasLtMatmulAlgoGetHeuristic");
    if (problem.n % needs.columnMultiple)
      refuseBlas(BlasStatus::NotSupported, "algo is for columns of B in multiples of " +
                                               std::to_string(needs.columnMultiple) + ", and there are " +
                                               std::to_string(problem.n));
  }
  const Operand *operands[] = {&problem.a, &problem.b, &problem.c, &problem.d};
  for (int i = 0; i < 4; ++i)
    needs.alignment[i] = std::max<uint64_t>(needs.alignment[i], operands[i]->elementBytes());
  return needs;
}

/// The one that rounds most, so that who forgets the mask sees it.
ReductionScheme schemeFrom(uint32_t mask) {
  for (ReductionScheme scheme : {ReductionScheme::OutputType, ReductionScheme::ComputeType})
    if (mask & uint32_t(scheme))
      return scheme;
  return ReductionScheme::None;
}

Range rangeOf(const Operand &operand, const void *memory, bool writes) {
  return {reinterpret_cast<uint64_t>(memory), operand.bytes(), writes};
}

} // namespace

BlasObjects &BlasObjects::get() {
  static BlasObjects objects;
  return objects;
}

const char *emulated_statusString(BlasStatus status) {
  switch (status) {
  case BlasStatus::Success:
    return "CUBLAS_STATUS_SUCCESS";
  case BlasStatus::NotInitialized:
    return "CUBLAS_STATUS_NOT_INITIALIZED";
  case BlasStatus::AllocFailed:
    return "CUBLAS_STATUS_ALLOC_FAILED";
  case BlasStatus::InvalidValue:
    return "CUBLAS_STATUS_INVALID_VALUE";
  case BlasStatus::ArchMismatch:
    return "CUBLAS_STATUS_ARCH_MISMATCH";
  case BlasStatus::ExecutionFailed:
    return "CUBLAS_STATUS_EXECUTION_FAILED";
  case BlasStatus::InternalError:
    return "CUBLAS_STATUS_INTERNAL_ERROR";
  case BlasStatus::NotSupported:
    return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "an unknown status";
}

BlasStatus emulated_create(BlasLt **handle) {
  return guardedBlas([&](Emulation &device, BlasObjects &objects) {
    if (!device.current)
      refuseBlas(BlasStatus::NotInitialized, "cublasLtCreate: no context is current");
    objects.handles.insert(*handle = new BlasLt);
  });
}

BlasStatus emulated_destroy(BlasLt *handle) {
  return guardedBlas(
      [&](Emulation &, BlasObjects &objects) { destroyIn(objects.handles, handle, "lightHandle"); });
}

BlasStatus emulated_matmulDescCreate(MatmulDesc **desc, ComputeType compute, DataType scale) {
  return guardedBlas([&](Emulation &, BlasObjects &objects) {
    objects.descs.insert(*desc = new MatmulDesc{compute, scale});
  });
}

BlasStatus emulated_matmulDescDestroy(MatmulDesc *desc) {
  return guardedBlas(
      [&](Emulation &, BlasObjects &objects) { destroyIn(objects.descs, desc, "matmulDesc"); });
}

BlasStatus emulated_matmulDescSetAttribute(MatmulDesc *desc, MatmulAttribute attribute, const void *value,
                                           size_t bytes) {
  return guardedBlas([&](Emulation &, BlasObjects &objects) {
    MatmulDesc &fields = alive(objects.descs, desc, "matmulDesc");
    auto transposition = [&](Transposition &field, const char *name) {
      Transposition given;
      assign(given, value, bytes, name);
      if (int(given) < 0 || int(given) > 2)
        refuseBlas(BlasStatus::InvalidValue, std::string(name) + " is " + std::to_string(int(given)) +
                                                 "; expected CUBLAS_OP_N, CUBLAS_OP_T or CUBLAS_OP_C");
      field = given;
    };
    switch (attribute) {
    case MatmulAttribute::ComputeType:
      return assign(fields.compute, value, bytes, "matmulDesc: COMPUTE_TYPE");
    case MatmulAttribute::ScaleType:
      return assign(fields.scale, value, bytes, "matmulDesc: SCALE_TYPE");
    case MatmulAttribute::PointerMode:
      return assign(fields.pointerMode, value, bytes, "matmulDesc: POINTER_MODE");
    case MatmulAttribute::TransA:
      return transposition(fields.transA, "matmulDesc: TRANSA");
    case MatmulAttribute::TransB:
      return transposition(fields.transB, "matmulDesc: TRANSB");
    case MatmulAttribute::TransC:
      return transposition(fields.transC, "matmulDesc: TRANSC");
    }
    unknown("matmulDesc", int(attribute));
  });
}

BlasStatus emulated_matrixLayoutCreate(MatrixLayout **layout, DataType type, uint64_t rows, uint64_t columns,
                                       int64_t leadingDimension) {
  return guardedBlas([&](Emulation &, BlasObjects &objects) {
    objects.layouts.insert(*layout = new MatrixLayout{type, Order::Columns, rows, columns, leadingDimension});
  });
}

BlasStatus emulated_matrixLayoutDestroy(MatrixLayout *layout) {
  return guardedBlas(
      [&](Emulation &, BlasObjects &objects) { destroyIn(objects.layouts, layout, "matLayout"); });
}

BlasStatus emulated_matrixLayoutSetAttribute(MatrixLayout *layout, LayoutAttribute attribute,
                                             const void *value, size_t bytes) {
  return guardedBlas([&](Emulation &, BlasObjects &objects) {
    MatrixLayout &fields = alive(objects.layouts, layout, "matLayout");
    switch (attribute) {
    case LayoutAttribute::Type:
      return assign(fields.type, value, bytes, "matLayout: TYPE");
    case LayoutAttribute::Order:
      return assign(fields.order, value, bytes, "matLayout: ORDER");
    case LayoutAttribute::Rows:
      return assign(fields.rows, value, bytes, "matLayout: ROWS");
    case LayoutAttribute::Columns:
      return assign(fields.columns, value, bytes, "matLayout: COLS");
    case LayoutAttribute::LeadingDimension:
      return assign(fields.leadingDimension, value, bytes, "matLayout: LD");
    case LayoutAttribute::BatchCount:
      return assign(fields.batchCount, value, bytes, "matLayout: BATCH_COUNT");
    }
    unknown("matLayout", int(attribute));
  });
}

BlasStatus emulated_preferenceCreate(Preference **preference) {
  return guardedBlas(
      [&](Emulation &, BlasObjects &objects) { objects.preferences.insert(*preference = new Preference); });
}

BlasStatus emulated_preferenceDestroy(Preference *preference) {
  return guardedBlas(
      [&](Emulation &, BlasObjects &objects) { destroyIn(objects.preferences, preference, "pref"); });
}

BlasStatus emulated_preferenceSetAttribute(Preference *preference, PreferenceAttribute attribute,
                                           const void *value, size_t bytes) {
  return guardedBlas([&](Emulation &, BlasObjects &objects) {
    Preference &fields = alive(objects.preferences, preference, "pref");
    if (attribute == PreferenceAttribute::MaxWorkspaceBytes)
      return assign(fields.workspaceBytes, value, bytes, "pref: MAX_WORKSPACE_BYTES");
    if (attribute == PreferenceAttribute::ReductionSchemes)
      return assign(fields.reductionSchemes, value, bytes, "pref: REDUCTION_SCHEME_MASK");
    int operand = int(attribute) - int(PreferenceAttribute::MinAlignmentA);
    if (operand < 0 || operand > 3)
      unknown("pref", int(attribute));
    std::string name = std::string("pref: MIN_ALIGNMENT_") + operandNames[operand] + "_BYTES";
    uint32_t alignment;
    assign(alignment, value, bytes, name.c_str());
    if (alignment == 0 || (alignment & (alignment - 1)))
      refuseBlas(BlasStatus::InvalidValue,
                 name + " is " + std::to_string(alignment) + "; expected a power of two");
    fields.alignment[operand] = alignment;
  });
}

BlasStatus emulated_matmulAlgoGetHeuristic(BlasLt *handle, MatmulDesc *desc, MatrixLayout *a, MatrixLayout *b,
                                           MatrixLayout *c, MatrixLayout *d, Preference *preference,
                                           int requested, Heuristic *results, int *returned) {
  return guardedBlas([&](Emulation &, BlasObjects &objects) {
    alive(objects.handles, handle, "lightHandle");
    const Preference &wishes = alive(objects.preferences, preference, "preference");
    if (requested < 1 || !results || !returned)
      refuseBlas(BlasStatus::InvalidValue, "requestedAlgoCount is " + std::to_string(requested) +
                                               "; expected 1 or more, and room for them");
    *returned = 0;
    Problem problem(desc, a, b, c, d);
    // One that splits K, in a workspace, where that is allowed, and one that needs nothing.
    ReductionScheme scheme = schemeFrom(wishes.reductionSchemes);
    bool splits = scheme != ReductionScheme::None && problem.n % candidateColumns == 0;
    uint64_t most = splits ? std::min(wishes.workspaceBytes, candidateWorkspace) : 0;
    for (uint64_t workspace : {most, uint64_t(0)}) {
      if (*returned == requested || (*returned == 1 && workspace == results[0].workspaceBytes))
        break;
      AlgorithmNeeds needs{AlgorithmNeeds::expected,
                           workspace,
                           {},
                           uint64_t(workspace ? scheme : ReductionScheme::None),
                           workspace ? candidateColumns : 1};
      std::ranges::copy(wishes.alignment, needs.alignment);
      Heuristic &found = results[(*returned)++] = Heuristic();
      std::memcpy(static_cast<void *>(&found.algorithm), &needs, sizeof needs);
      found.workspaceBytes = workspace;
      found.waves = 1;
    }
  });
}

BlasStatus emulated_matmulAlgoCheck(BlasLt *handle, MatmulDesc *desc, MatrixLayout *a, MatrixLayout *b,
                                    MatrixLayout *c, MatrixLayout *d, const Algorithm *algorithm,
                                    Heuristic *result) {
  return guardedBlas([&](Emulation &, BlasObjects &objects) {
    alive(objects.handles, handle, "lightHandle");
    if (!algorithm || !result)
      refuseBlas(BlasStatus::InvalidValue, "algo or result is null");
    result->workspaceBytes = needsOf(algorithm, Problem(desc, a, b, c, d)).workspaceBytes;
    result->state = BlasStatus::Success;
    result->waves = 1;
  });
}

BlasStatus emulated_matmul(BlasLt *handle, MatmulDesc *desc, const void *alpha, const void *a,
                           MatrixLayout *aLayout, const void *b, MatrixLayout *bLayout, const void *beta,
                           const void *c, MatrixLayout *cLayout, void *d, MatrixLayout *dLayout,
                           const Algorithm *algorithm, void *workspace, size_t workspaceBytes,
                           Stream *stream) {
  return guardedBlas([&](Emulation &device, BlasObjects &objects) {
    alive(objects.handles, handle, "lightHandle");
    Problem problem(desc, aLayout, bLayout, cLayout, dLayout);
    if (!alpha || !beta)
      refuseBlas(BlasStatus::InvalidValue, "alpha or beta is null");
    float factor = *static_cast<const float *>(alpha), addend = *static_cast<const float *>(beta);
    AlgorithmNeeds needs = needsOf(algorithm, problem);
    checkMemory(device, problem.a, a, needs.alignment[0]);
    checkMemory(device, problem.b, b, needs.alignment[1]);
    if (addend != 0)
      checkMemory(device, problem.c, c, needs.alignment[2]);
    checkMemory(device, problem.d, d, needs.alignment[3]);
    if (addend != 0 && c == d && problem.c.layout.leadingDimension != problem.d.layout.leadingDimension)
      refuseBlas(BlasStatus::InvalidValue, "Cdesc: C is D, but their LDs differ");
    Range target = rangeOf(problem.d, d, true);
    for (const Range &source : {rangeOf(problem.a, a, false), rangeOf(problem.b, b, false)})
      if (target.overlaps(source))
        refuseBlas(BlasStatus::InvalidValue, "D overlaps A or B");
    checkWorkspace(device, workspace, workspaceBytes, needs.workspaceBytes);
    Operation product{"cublasLtMatmul",
                      {rangeOf(problem.a, a, false), rangeOf(problem.b, b, false), target},
                      [problem, needs, factor, a, b, addend, c, d] {
                        multiply(problem, ReductionScheme(needs.scheme), factor, a, b, addend, c, d);
                      }};
    if (addend != 0 && c != d)
      product.ranges.push_back(rangeOf(problem.c, c, false));
    device.enqueue(device.streamOf(stream), std::move(product));
  });
}

} // namespace mlora::cuda
