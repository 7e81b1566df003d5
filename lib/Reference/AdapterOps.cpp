//===- AdapterOps.cpp - what the adapter ops mean ---------------------------------------===//

#include "Ops.h"

namespace mlir::mlora::reference {

/// y + (alpha/r) · diag(s) · B · A · x
Tensors run(BranchOp op, const Environment &at) {
  Tensor y = at(op.getBase()), low = multiplyTransposed(at(op.getInput()), at(op.getA()));
  Tensor high = multiplyTransposed(low, at(op.getB()));
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t o = 0; o < y.columns(); ++o)
      y(t, o) += op.getScale() * (op.getS() ? at(op.getS())(o) : 1) * high(t, o);
  return {y};
}

/// B̃[o, i·r + k] = (alpha/r) · s[o, i] · b[o, i·r + k]
Tensors run(StackUpOp op, const Environment &at) {
  Tensor y = at(op.getB());
  for (int64_t o = 0; o < y.rows(); ++o)
    for (int64_t j = 0; j < y.columns(); ++j)
      y(o, j) *= j >= op.getStackedColumns() ? 0
                 : op.getS()                 ? op.getScale() * at(op.getS())(o, j / op.getBranchRank())
                                             : op.getScale();
  return {y};
}

/// m = Ã x, y_j = W_j x + B̃_j m_j with m_j the columns [o_j, o_j + k_j) of m
Tensors run(AdaptedLinearOp op, const Environment &at) {
  const Tensor &x = at(op.getInput());
  Tensor m = multiplyTransposed(x, at(op.getDown()));
  Tensors results;
  int64_t first = 0;
  for (auto [weight, upValue] : llvm::zip_equal(op.getWeights(), op.getUps())) {
    Tensor y = multiplyTransposed(x, at(weight));
    const Tensor &up = at(upValue);
    for (int64_t t = 0; t < y.rows(); ++t)
      for (int64_t o = 0; o < y.columns(); ++o)
        for (int64_t k = 0; k < up.columns(); ++k)
          y(t, o) += up(o, k) * m(t, first + k);
    first += up.columns();
    results.push_back(y);
  }
  results.push_back(m);
  return results;
}

/// W' = W + B̃ Ã
Tensors run(MergeOp op, const Environment &at) {
  return {add(at(op.getWeight()), multiply(at(op.getUp()), at(op.getDown())))};
}

} // namespace mlir::mlora::reference
