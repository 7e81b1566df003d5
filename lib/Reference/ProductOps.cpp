//===- ProductOps.cpp - what library products and their operands mean -------------------===//

#include "Ops.h"

#include <limits>

namespace mlir::mlora::reference {

/// y[t, n] = Σ_k x[t, k] · w[n, k], transposed w[k, n]
Tensors run(ProductOp op, const Environment &at) {
  const Tensor &x = at(op.getInput()), &w = at(op.getWeight());
  Tensor y({x.rows(), op.getOutput().getType().getDimSize(1)});
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t n = 0; n < y.columns(); ++n)
      for (int64_t k = 0; k < x.columns(); ++k)
        y(t, n) += x(t, k) * (op.getTransposed() ? w(k, n) : w(n, k));
  return {y};
}

/// y = x
Tensors run(RoundOp op, const Environment &at) { return {at(op.getInput())}; }

/// y[row + i, column + j] = part[i, j]
static void put(const Tensor &part, Tensor &y, int64_t row, int64_t column) {
  for (int64_t i = 0; i < part.rows(); ++i)
    for (int64_t j = 0; j < part.columns(); ++j)
      y(row + i, column + j) = part(i, j);
}

Tensors run(JoinOp op, const Environment &at) {
  Tensor y({at(op.getInputs().front()).rows(), op.getOutput().getType().getDimSize(1)});
  int64_t column = 0;
  for (Value input : op.getInputs()) {
    put(at(input), y, 0, column);
    column += at(input).columns();
  }
  return {y};
}

/// y[i, j] = x[row + i, column + j]
Tensors run(WindowOp op, const Environment &at) {
  const Tensor &x = at(op.getInput());
  auto type = op.getOutput().getType();
  Tensor y({type.isDynamicDim(0) ? x.rows() : type.getDimSize(0), type.getDimSize(1)});
  for (int64_t i = 0; i < y.rows(); ++i)
    for (int64_t j = 0; j < y.columns(); ++j)
      y(i, j) = x(op.getAt()[0] + i, op.getAt()[1] + j);
  return {y};
}

Tensors run(PlaceOp op, const Environment &at) {
  const Tensor &part = at(op.getPart());
  Tensor y;
  if (op.getInput()) {
    y = at(op.getInput());
  } else { // what is around the part is nothing yet
    auto type = op.getOutput().getType();
    y = Tensor({type.isDynamicDim(0) ? part.rows() : type.getDimSize(0), type.getDimSize(1)});
    llvm::fill(y.data, std::numeric_limits<double>::quiet_NaN());
  }
  put(part, y, op.getAt()[0], op.getAt()[1]);
  return {y};
}

} // namespace mlir::mlora::reference
