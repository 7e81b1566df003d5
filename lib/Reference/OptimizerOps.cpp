//===- OptimizerOps.cpp - what the optimizer's ops mean ---------------------------------------===//

#include "Ops.h"

#include <cmath>

namespace mlir::mlora::reference {

/// y[o] = Σ_i x[o, i]²
Tensors run(SquareSumOp op, const Environment &at) {
  const Tensor &x = at(op.getInput());
  Tensor y = Tensor::vector(x.rows());
  for (int64_t o = 0; o < x.rows(); ++o)
    for (int64_t i = 0; i < x.columns(); ++i)
      y(o) += x(o, i) * x(o, i);
  return {y};
}

/// y = sqrt(Σ_i x_i) over all operands
Tensors run(NormOp op, const Environment &at) {
  Tensor y = Tensor::scalar();
  for (Value input : op.getInputs())
    for (double x : at(input).data)
      y(0) += x;
  y(0) = std::sqrt(y(0));
  return {y};
}

/// m' = β1·m + (1-β1)·g, v' = β2·v + (1-β2)·g², p' = p·(1 - lr·λ) - lr · (m'/c1) / (sqrt(v'/c2) + ε) with g =
/// κ·gradient
Tensors run(AdamWOp op, const Environment &at) {
  const Tensor &hyper = at(op.getHyper()), &gradient = at(op.getGradient());
  double lr = hyper(0), beta1 = hyper(1), beta2 = hyper(2), epsilon = hyper(3), decay = hyper(4),
         c1 = hyper(5), c2 = hyper(6), scale = hyper(7);
  Tensor p = at(op.getParameter()), m = at(op.getMoment1()), v = at(op.getMoment2());
  for (size_t i = 0; i < p.data.size(); ++i) {
    double g = scale * gradient(i);
    m(i) = beta1 * m(i) + (1 - beta1) * g;
    v(i) = beta2 * v(i) + (1 - beta2) * g * g;
    p(i) = p(i) * (1 - lr * decay) - lr * (m(i) / c1) / (std::sqrt(v(i) / c2) + epsilon);
  }
  return {p, m, v};
}

} // namespace mlir::mlora::reference
