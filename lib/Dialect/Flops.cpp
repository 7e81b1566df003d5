//===- Flops.cpp - what an op's matrix products cost -----------------------------===//

#include "mlora/Dialect/Flops.h"
#include "mlora/Dialect/MLora.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

/// A row times a matrix: a multiplication and an addition for each of its elements.
static int64_t product(Value matrix) { return 2 * cast<RankedTensorType>(matrix.getType()).getNumElements(); }

static int64_t products(ValueRange matrices) {
  int64_t sum = 0;
  for (Value matrix : matrices)
    sum += product(matrix);
  return sum;
}

int64_t mlir::mlora::flopsPerRow(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case<LinearOp, LinearInputGradOp>([](auto linear) { return product(linear.getWeight()); })
      .Case([](BranchOp branch) { return product(branch.getA()) + product(branch.getB()); })
      .Case([](AdaptedLinearOp adapted) {
        return products(adapted.getWeights()) + products(adapted.getUps()) + product(adapted.getDown());
      })
      .Case([](AdaptedLinearInputGradOp grad) { // without dx only u is computed
        int64_t u = products(grad.getUps());
        return grad.getInputCotangent() ? u + products(grad.getWeights()) + product(grad.getDown()) : u;
      })
      .Case([](ProductOp op) {
        return 2 * op.getInput().getType().getDimSize(1) * op.getOutput().getType().getDimSize(1);
      })
      .Case([](TokenOuterOp outer) { return product(outer.getOutput()); })
      .Case([](CrossEntropyOp loss) { return product(loss.getWeight()); })
      // The logits again, unless they are those of the loss in the same kernel.
      .Case([](CrossEntropyInputGradOp grad) {
        return (grad.getLse().getDefiningOp<CrossEntropyOp>() ? 1 : 2) * product(grad.getWeight());
      })
      .Case([](CrossEntropyWeightGradOp grad) { return 2 * product(grad.getWeight()); })
      .Default(int64_t(0));
}

int64_t mlir::mlora::flopsPerPair(Operation *op) {
  auto products = [](auto attention, int64_t count) {
    return 2 * count * cast<RankedTensorType>(attention.getQuery().getType()).getDimSize(1);
  };
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([&](AttentionOp attention) { return products(attention, 2); })          // q kᵀ, P v
      .Case([&](AttentionQueryGradOp attention) { return products(attention, 3); }) // q kᵀ, do vᵀ, dS k
      .Case([&](AttentionKeyValueGradOp attention) {
        return products(attention, 4);
      }) // q kᵀ, do vᵀ, dSᵀ q, Pᵀ do
      .Default(int64_t(0));
}
