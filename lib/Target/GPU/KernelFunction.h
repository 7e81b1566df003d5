//===- KernelFunction.h - a kernel as one thread sees it ------------------------------===//

#pragma once

#include "ThreadBuilder.h"
#include "mlora/Dialect/MLora.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::mlora {

/// Columns of a buffer in bf16: what an op of the kernel reads or gives.
struct Columns {
  Value buffer; ///< a parameter's pointer
  int64_t of;   ///< columns that the buffer has
  int64_t first;

  int64_t stride() const { return 2 * of; } ///< bytes from row to row
};

/// The op of that kind which a result goes through; null where it leaves as it is.
template <typename Op> Op nextOf(Value result) {
  return result.hasOneUse() ? dyn_cast<Op>(*result.user_begin()) : Op();
}

/// Rows of an operand, a parameter of the kernel or a view of one: a number, or the name of a scalar; null where its
/// extent is none.
Attribute rowsExtentOf(KernelOp kernel, Value operand);

/// The `gpu.func` of a kernel that is built op by op: a pointer of global memory for each buffer, one for the
/// scalars and one for scratch, which such kernels do not use. Around its ops there may be views of operands
/// (`window`), and behind results what they go through (`rope`, `place`).
class KernelFunction {
public:
  /// The module's dynamic shared memory.
  static constexpr StringLiteral kSharedName = "shared";

  /// An empty function in front of `kernels`' insertion point. One block a multiprocessor is enough.
  KernelFunction(OpBuilder &kernels, KernelOp kernel, int64_t threads);

  ThreadBuilder b;
  gpu::GPUFuncOp function;
  Value thread, block;
  Value lane;
  Value warp;                ///< of the block; the same for all lanes, and ptxas sees it
  Value quadRow, quadColumn; ///< of sums: this lane's row and first column
  Value shared;              ///< the address of dynamic shared memory

  /// Pointer of an operand or result; null where the kernel has none.
  Value buffer(Value value);
  /// Where an operand's columns lie, or a result's when all is done with it.
  Columns columnsOf(Value value);
  /// `rowsExtentOf` an operand, or the scalar `fallback`.
  Attribute extentOf(Value operand, StringRef fallback);
  Value extent(Attribute extent);
  Value scalar(unsigned which);

  /// What the launch needs and what is said of it.
  void describe(const Twine &schedule, ArrayRef<std::string> grid, int64_t sharedBytes);
  void finish() { gpu::ReturnOp::create(b); }

protected:
  KernelOp kernel;

private:
  Value scalars;
};

} // namespace mlir::mlora
