//===- RowElements.h - eight elements of a row in a thread's registers ----------------===//

#pragma once

#include "ThreadBuilder.h"
#include "mlora/Dialect/MLora.h"

namespace mlir::mlora {

/// Values of a segment at eight neighbouring columns of a row, in f32, as rounded to bf16 as their tensors
/// are.
class RowElements {
public:
  static constexpr int64_t kCount = 8; ///< 16 bytes

  explicit RowElements(ThreadBuilder &b) : b(b) {}

  /// 16 bytes of bf16.
  void set(Value tensor, Value words);
  Value wordsOf(Value tensor) { return words[tensor]; }

  /// What an op with sums along the row adds up here: Σ x², of a gradient Σ z·x with z = w ∘ dy, too.
  static unsigned numSums(Operation *op);
  Values sumsOf(Operation *op, ValueRange before);
  /// Of a row's sums what its elements need: ρ, of a gradient (ρ³/D)·Σ z·x, too.
  static Values factorsOf(ThreadBuilder &b, Operation *op, ValueRange sums);

  /// An op of these elements; `factors` of one with sums.
  void compute(Operation *op, ValueRange factors = {});

private:
  Values unpack(Value words);
  Value pack(const Values &values);
  const Values &of(Value tensor) { return elements[tensor]; }
  void give(Value tensor, const Values &values);

  ThreadBuilder &b;
  DenseMap<Value, Value> words;
  DenseMap<Value, Values> elements; ///< of these words
};

} // namespace mlir::mlora
