//===- Ops.h - one function an op ---------------------------------------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"
#include "mlora/Reference/Interpreter.h"

namespace mlir::mlora::reference {

/// The tensors of values so far.
class Environment {
public:
  const Tensor &operator()(Value value) const { return tensors.find(value)->second; }
  void set(Value value, Tensor tensor) { tensors[value] = std::move(tensor); }

private:
  DenseMap<Value, Tensor> tensors;
};

// ModelOps.cpp
Tensors run(EmbeddingOp op, const Environment &at);
Tensors run(LinearOp op, const Environment &at);
Tensors run(RmsNormOp op, const Environment &at);
Tensors run(RopeTableOp op, const Environment &at);
Tensors run(RopeOp op, const Environment &at);
Tensors run(AttentionOp op, const Environment &at);
Tensors run(CacheWriteOp op, const Environment &at);
Tensors run(SwigluOp op, const Environment &at);
Tensors run(AddOp op, const Environment &at);
Tensors run(GatherRowsOp op, const Environment &at);
Tensors run(CrossEntropyOp op, const Environment &at);
Tensors run(SumOp op, const Environment &at);
Tensors run(NllOp op, const Environment &at);

// AdapterOps.cpp
Tensors run(BranchOp op, const Environment &at);
Tensors run(StackUpOp op, const Environment &at);
Tensors run(AdaptedLinearOp op, const Environment &at);
Tensors run(MergeOp op, const Environment &at);

// GradientOps.cpp
Tensors run(LinearInputGradOp op, const Environment &at);
Tensors run(AdaptedLinearInputGradOp op, const Environment &at);
Tensors run(TokenOuterOp op, const Environment &at);
Tensors run(RmsNormInputGradOp op, const Environment &at);
Tensors run(RmsNormScaleOp op, const Environment &at);
Tensors run(RmsNormWeightGradOp op, const Environment &at);
Tensors run(AttentionQueryGradOp op, const Environment &at);
Tensors run(AttentionKeyValueGradOp op, const Environment &at);
Tensors run(SwigluGradOp op, const Environment &at);
Tensors run(EmbeddingWeightGradOp op, const Environment &at);
Tensors run(ScatterRowsOp op, const Environment &at);
Tensors run(SpreadOp op, const Environment &at);
Tensors run(CrossEntropyInputGradOp op, const Environment &at);
Tensors run(CrossEntropyWeightGradOp op, const Environment &at);
Tensors run(NllInputGradOp op, const Environment &at);
Tensors run(StackUpGradOp op, const Environment &at);

// ProductOps.cpp
Tensors run(ProductOp op, const Environment &at);
Tensors run(RoundOp op, const Environment &at);
Tensors run(JoinOp op, const Environment &at);
Tensors run(WindowOp op, const Environment &at);
Tensors run(DequantizeOp op, const Environment &at);
Tensors run(PlaceOp op, const Environment &at);

// OptimizerOps.cpp
Tensors run(SquareSumOp op, const Environment &at);
Tensors run(NormOp op, const Environment &at);
Tensors run(AdamWOp op, const Environment &at);

// Shared by several ops.

/// x Wᵀ, that is W x[t] for each row.
Tensor multiplyTransposed(const Tensor &x, const Tensor &w);
/// a b
Tensor multiply(const Tensor &a, const Tensor &b);
/// Σ_t a[t] b'[t]ᵀ with b' the columns [first, first + columns) of b.
Tensor outer(const Tensor &a, const Tensor &b, int64_t first, int64_t columns);
Tensor add(const Tensor &a, const Tensor &b);
/// 1/sqrt(mean(x[t]²) + eps)
double rootMeanSquare(const Tensor &x, int64_t row, double eps);
double sigmoid(double x);

/// The key rows that each query row attends to; null: no documents, its own row, no prefix.
struct SeenRows {
  const Tensor *documentStart = nullptr, *at = nullptr, *prefixStart = nullptr, *prefixEnd = nullptr;
};
/// Calls `visit(i, j, h, g, S)` for query row i, key row j that it attends to, query head h, its key head g and
/// the score `S = q·k / sqrt(head_dim)`.
void forEachScore(const Tensor &q, const Tensor &k, const SeenRows &seen, int64_t heads, int64_t kvHeads,
                  llvm::function_ref<void(int64_t, int64_t, int64_t, int64_t, double)> visit);

} // namespace mlir::mlora::reference
