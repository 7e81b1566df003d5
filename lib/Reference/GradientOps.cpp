//===- GradientOps.cpp - what the gradient ops mean ----------------------------------------===//

#include "Ops.h"

#include <cmath>

namespace mlir::mlora::reference {

/// The shape of a result without token dimension.
static ArrayRef<int64_t> shapeOf(Value result) { return cast<RankedTensorType>(result.getType()).getShape(); }

/// dx[t] = Wᵀ dy[t]
Tensors run(LinearInputGradOp op, const Environment &at) {
  return {multiply(at(op.getCotangent()), at(op.getWeight()))};
}

/// u_j = B̃_jᵀ dy_j, dx = Σ_j W_jᵀ dy_j + Ãᵀ u
Tensors run(AdaptedLinearInputGradOp op, const Environment &at) {
  const Tensor &down = at(op.getDown());
  int64_t rows = at(op.getCotangents()[0]).rows(), first = 0;
  Tensor u({rows, down.rows()});
  for (auto [cotangent, up] : llvm::zip_equal(op.getCotangents(), op.getUps())) {
    Tensor part = multiply(at(cotangent), at(up));
    for (int64_t t = 0; t < rows; ++t)
      for (int64_t k = 0; k < part.columns(); ++k)
        u(t, first + k) = part(t, k);
    first += part.columns();
  }
  if (!op.getInputCotangent())
    return {u};
  Tensor dx = multiply(u, down);
  for (auto [cotangent, weight] : llvm::zip_equal(op.getCotangents(), op.getWeights()))
    dx = add(dx, multiply(at(cotangent), at(weight)));
  return {dx, u};
}

/// y = Σ_t a[t] b'[t]ᵀ
Tensors run(TokenOuterOp op, const Environment &at) {
  return {outer(at(op.getLhs()), at(op.getRhs()), op.getFirst(), shapeOf(op.getOutput())[1])};
}

/// With z = w ∘ dy: dx = ρ·z - x·(ρ³/D)·Σ_i z_i x_i
Tensors run(RmsNormInputGradOp op, const Environment &at) {
  const Tensor &dy = at(op.getCotangent()), &x = at(op.getInput()), &w = at(op.getWeight());
  Tensor dx(x.shape);
  for (int64_t t = 0; t < x.rows(); ++t) {
    double rho = rootMeanSquare(x, t, op.getEps().convertToDouble()), dot = 0;
    for (int64_t i = 0; i < x.columns(); ++i)
      dot += w(i) * dy(t, i) * x(t, i);
    for (int64_t i = 0; i < x.columns(); ++i)
      dx(t, i) = rho * w(i) * dy(t, i) - x(t, i) * rho * rho * rho / x.columns() * dot;
  }
  return {dx};
}

/// ρ[t] = 1/sqrt(mean(x[t]²) + eps)
Tensors run(RmsNormScaleOp op, const Environment &at) {
  const Tensor &x = at(op.getInput());
  Tensor rho = Tensor::vector(x.rows());
  for (int64_t t = 0; t < x.rows(); ++t)
    rho(t) = rootMeanSquare(x, t, op.getEps().convertToDouble());
  return {rho};
}

/// dw = Σ_t dy[t] ∘ x[t] · ρ[t]
Tensors run(RmsNormWeightGradOp op, const Environment &at) {
  const Tensor &dy = at(op.getCotangent()), &x = at(op.getInput()), &rho = at(op.getScale());
  Tensor dw = Tensor::vector(x.columns());
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t i = 0; i < x.columns(); ++i)
      dw(i) += dy(t, i) * x(t, i) * rho(t);
  return {dw};
}

/// P = exp(S - lse), dP = do vᵀ, δ[i] = Σ_c do[i, c]·o[i, c], dS = P ∘ (dP - δ): visits (i, j, h, g, P, dS).
template <typename Op, typename Visit>
static void forEachScoreGradient(Op op, const Environment &at, Visit visit) {
  const Tensor &dO = at(op.getCotangent()), &v = at(op.getValue()), &o = at(op.getOutput()),
               &lse = at(op.getLse());
  const Tensor *start = op.getDocumentStart() ? &at(op.getDocumentStart()) : nullptr;
  int64_t dim = dO.columns() / op.getHeads();
  forEachScore(at(op.getQuery()), at(op.getKey()), {start}, op.getHeads(), op.getKvHeads(),
               [&](int64_t i, int64_t j, int64_t h, int64_t g, double score) {
                 double p = std::exp(score - lse(i, h)), dP = 0, delta = 0;
                 for (int64_t c = 0; c < dim; ++c) {
                   dP += dO(i, h * dim + c) * v(j, g * dim + c);
                   delta += dO(i, h * dim + c) * o(i, h * dim + c);
                 }
                 visit(i, j, h * dim, g * dim, p, p * (dP - delta), dim);
               });
}

/// dq = scale · dS k
Tensors run(AttentionQueryGradOp op, const Environment &at) {
  const Tensor &k = at(op.getKey());
  Tensor dq(at(op.getQuery()).shape);
  forEachScoreGradient(op, at,
                       [&](int64_t i, int64_t j, int64_t h, int64_t g, double p, double dS, int64_t dim) {
                         for (int64_t c = 0; c < dim; ++c)
                           dq(i, h + c) += dS * k(j, g + c) / std::sqrt(double(dim));
                       });
  return {dq};
}

/// dk = scale · dSᵀ q, dv = Pᵀ do
Tensors run(AttentionKeyValueGradOp op, const Environment &at) {
  const Tensor &q = at(op.getQuery()), &dO = at(op.getCotangent());
  Tensor dk(at(op.getKey()).shape), dv(dk.shape);
  forEachScoreGradient(op, at,
                       [&](int64_t i, int64_t j, int64_t h, int64_t g, double p, double dS, int64_t dim) {
                         for (int64_t c = 0; c < dim; ++c) {
                           dk(j, g + c) += dS * q(i, h + c) / std::sqrt(double(dim));
                           dv(j, g + c) += p * dO(i, h + c);
                         }
                       });
  return {dk, dv};
}

/// dg = dy ∘ u ∘ σ ∘ (1 + g ∘ (1 - σ)), du = dy ∘ g ∘ σ
Tensors run(SwigluGradOp op, const Environment &at) {
  const Tensor &dy = at(op.getCotangent()), &g = at(op.getGate()), &u = at(op.getUp());
  Tensor dg(g.shape), du(g.shape);
  for (size_t i = 0; i < g.data.size(); ++i) {
    double s = sigmoid(g(i));
    dg(i) = dy(i) * u(i) * s * (1 + g(i) * (1 - s));
    du(i) = dy(i) * g(i) * s;
  }
  return {dg, du};
}

/// dtable[v] = Σ_{t: ids[t] = v} dy[t]
Tensors run(EmbeddingWeightGradOp op, const Environment &at) {
  const Tensor &dy = at(op.getCotangent()), &ids = at(op.getIds());
  Tensor dtable(shapeOf(op.getOutput()));
  for (int64_t t = 0; t < dy.rows(); ++t)
    for (int64_t i = 0; i < dy.columns(); ++i)
      dtable(ids.index(t), i) += dy(t, i);
  return {dtable};
}

/// y[rows[c]] = x[c], zero elsewhere
Tensors run(ScatterRowsOp op, const Environment &at) {
  const Tensor &x = at(op.getInput()), &rows = at(op.getRows());
  Tensor y(at(op.getLike()).shape);
  for (int64_t c = 0; c < x.rows(); ++c)
    for (int64_t i = 0; i < x.columns(); ++i)
      y(rows.index(c), i) = x(c, i);
  return {y};
}

/// y[t] = x
Tensors run(SpreadOp op, const Environment &at) {
  Tensor y = Tensor::vector(at(op.getLike()).rows());
  std::fill(y.data.begin(), y.data.end(), at(op.getInput())(0));
  return {y};
}

/// dz = dnll[c] · (softmax(z) - onehot(target)) with softmax(z) = exp(z - lse[c]); zero where target[c] < 0
template <typename Op> static Tensor logitsGradient(Op op, Tensor dz, const Environment &at) {
  const Tensor &dnll = at(op.getCotangent()), &targets = at(op.getTargets()), &lse = at(op.getLse());
  for (int64_t c = 0; c < dz.rows(); ++c)
    for (int64_t v = 0; v < dz.columns(); ++v)
      dz(c, v) = targets(c) < 0 ? 0 : dnll(c) * (std::exp(dz(c, v) - lse(c)) - (v == targets.index(c)));
  return dz;
}

/// The same of the logits z[c] = W x[c]
template <typename Op> static Tensor logitsGradientOfHead(Op op, const Environment &at) {
  return logitsGradient(op, multiplyTransposed(at(op.getInput()), at(op.getWeight())), at);
}

Tensors run(NllInputGradOp op, const Environment &at) { return {logitsGradient(op, at(op.getLogits()), at)}; }

/// dx[c] = Wᵀ dz
Tensors run(CrossEntropyInputGradOp op, const Environment &at) {
  return {multiply(logitsGradientOfHead(op, at), at(op.getWeight()))};
}

/// dW = Σ_c dz[c] x[c]ᵀ
Tensors run(CrossEntropyWeightGradOp op, const Environment &at) {
  const Tensor &x = at(op.getInput());
  return {outer(logitsGradientOfHead(op, at), x, 0, x.columns())};
}

/// db[o, i·r + k] = (alpha/r) · s[o, i] · G[o, i·r + k], ds[o, i] = (alpha/r) · Σ_k b[o, i·r + k] · G[o, i·r
/// + k]
Tensors run(StackUpGradOp op, const Environment &at) {
  const Tensor &g = at(op.getCotangent()), &b = at(op.getB());
  int64_t branches = op.getBranches(), rank = op.getBranchRank();
  double scale = op.getScale();
  Tensor db(b.shape), ds({b.rows(), branches});
  for (int64_t o = 0; o < b.rows(); ++o)
    for (int64_t j = 0; j < op.getStackedColumns(); ++j) {
      db(o, j) = scale * (op.getS() ? at(op.getS())(o, j / rank) : 1) * g(o, j);
      ds(o, j / rank) += scale * b(o, j) * g(o, j);
    }
  return op.getDs() ? Tensors{db, ds} : Tensors{db};
}

} // namespace mlir::mlora::reference
