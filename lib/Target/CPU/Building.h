//===- Building.h - vectors, loops and choices, built in one way -----------------===//

#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {

/// Elements of a vector: of f32, one register (AVX-512) or two (AVX2).
constexpr int64_t kLanes = 16;
/// Vectors of the widest stripe of a product that is read in place (`mlora-lower-gemm`, AVX-512).
constexpr int64_t kMostPanels = 3;

/// A loop that carries values.
inline scf::ForOp buildLoop(ImplicitLocOpBuilder &b, Value from, Value to, Value step, ValueRange inits,
                            function_ref<SmallVector<Value>(scf::ForOp)> body) {
  auto loop = scf::ForOp::create(b, from, to, step, inits);
  OpBuilder::InsertionGuard guard(b);
  if (inits.empty())
    loop.getBody()->getTerminator()->erase();
  b.setInsertionPointToEnd(loop.getBody());
  scf::YieldOp::create(b, body(loop));
  return loop;
}

/// A loop that carries nothing.
inline void buildLoop(ImplicitLocOpBuilder &b, Value from, Value to, Value step,
                      function_ref<void(scf::ForOp)> body) {
  buildLoop(b, from, to, step, ValueRange(), [&](scf::ForOp loop) {
    body(loop);
    return SmallVector<Value>();
  });
}

inline void buildIf(ImplicitLocOpBuilder &b, Value condition, function_ref<void()> then,
                    function_ref<void()> otherwise = nullptr) {
  auto op = scf::IfOp::create(b, condition, /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.thenBlock()->getTerminator());
  then();
  if (!otherwise)
    return;
  b.setInsertionPoint(op.elseBlock()->getTerminator());
  otherwise();
}

/// All lanes (a power of two of them) as one: halves onto each other, the same order on every machine.
inline Value foldLanes(ImplicitLocOpBuilder &b, Value vector, function_ref<Value(Value, Value)> combine) {
  for (int64_t half = cast<VectorType>(vector.getType()).getDimSize(0) / 2; half > 0; half /= 2) {
    auto part = [&](int64_t from) {
      return vector::ShuffleOp::create(b, vector, vector,
                                       llvm::to_vector(llvm::seq<int64_t>(from, from + half)));
    };
    Value low = part(0), high = part(half);
    vector = combine(low, high);
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

} // namespace mlir::mlora
