//===- ModelOps.cpp - what the transformer ops mean -----------------------------------===//

#include "Ops.h"

#include <cmath>

namespace mlir::mlora::reference {

Tensor multiplyTransposed(const Tensor &x, const Tensor &w) {
  Tensor y({x.rows(), w.rows()});
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t o = 0; o < y.columns(); ++o)
      for (int64_t i = 0; i < x.columns(); ++i)
        y(t, o) += x(t, i) * w(o, i);
  return y;
}

Tensor multiply(const Tensor &a, const Tensor &b) {
  Tensor y({a.rows(), b.columns()});
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t k = 0; k < a.columns(); ++k)
      for (int64_t i = 0; i < y.columns(); ++i)
        y(t, i) += a(t, k) * b(k, i);
  return y;
}

Tensor outer(const Tensor &a, const Tensor &b, int64_t first, int64_t columns) {
  Tensor y({a.columns(), columns});
  for (int64_t t = 0; t < a.rows(); ++t)
    for (int64_t o = 0; o < y.rows(); ++o)
      for (int64_t i = 0; i < columns; ++i)
        y(o, i) += a(t, o) * b(t, first + i);
  return y;
}

Tensor add(const Tensor &a, const Tensor &b) {
  Tensor y = a;
  for (size_t i = 0; i < y.data.size(); ++i)
    y.data[i] += b.data[i];
  return y;
}

double rootMeanSquare(const Tensor &x, int64_t row, double eps) {
  double sum = 0;
  for (int64_t i = 0; i < x.columns(); ++i)
    sum += x(row, i) * x(row, i);
  return 1 / std::sqrt(sum / x.columns() + eps);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void forEachScore(const Tensor &q, const Tensor &k, const SeenRows &seen, int64_t heads, int64_t kvHeads,
                  llvm::function_ref<void(int64_t, int64_t, int64_t, int64_t, double)> visit) {
  int64_t dim = q.columns() / heads;
  for (int64_t i = 0; i < q.rows(); ++i)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t j = 0, last = seen.at ? seen.at->index(i) : i; j <= last; ++j) {
        bool isInPrefix = seen.prefixStart && j >= seen.prefixStart->index(i) && j < seen.prefixEnd->index(i);
        if (!isInPrefix && seen.documentStart && j < seen.documentStart->index(i))
          continue;
        int64_t g = h / (heads / kvHeads);
        double score = 0;
        for (int64_t c = 0; c < dim; ++c)
          score += q(i, h * dim + c) * k(j, g * dim + c);
        visit(i, j, h, g, score / std::sqrt(double(dim)));
      }
}

/// y[t] = table[ids[t]]
Tensors run(EmbeddingOp op, const Environment &at) {
  const Tensor &ids = at(op.getIds()), &table = at(op.getTable());
  Tensor y({ids.rows(), table.columns()});
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t i = 0; i < y.columns(); ++i)
      y(t, i) = table(ids.index(t), i);
  return {y};
}

/// y[t] = W x[t]
Tensors run(LinearOp op, const Environment &at) {
  return {multiplyTransposed(at(op.getInput()), at(op.getWeight()))};
}

/// y[t] = w ∘ x[t] / sqrt(mean(x[t]²) + eps)
Tensors run(RmsNormOp op, const Environment &at) {
  const Tensor &x = at(op.getInput()), &w = at(op.getWeight());
  Tensor y(x.shape);
  for (int64_t t = 0; t < y.rows(); ++t) {
    double rho = rootMeanSquare(x, t, op.getEps().convertToDouble());
    for (int64_t i = 0; i < y.columns(); ++i)
      y(t, i) = w(i) * x(t, i) * rho;
  }
  return {y};
}

/// table[t] = [cos(p·f_i) … | sin(p·f_i) …] with p = position[t]
Tensors run(RopeTableOp op, const Environment &at) {
  const Tensor &position = at(op.getPosition());
  SmallVector<double> frequencies = op.getFrequencies();
  int64_t half = frequencies.size();
  Tensor table({position.rows(), 2 * half});
  for (int64_t t = 0; t < table.rows(); ++t)
    for (int64_t i = 0; i < half; ++i) {
      table(t, i) = std::cos(position(t) * frequencies[i]);
      table(t, half + i) = std::sin(position(t) * frequencies[i]);
    }
  return {table};
}

/// Each head [a | b] becomes [a∘c - b∘s | b∘c + a∘s]; inverse: s becomes -s
Tensors run(RopeOp op, const Environment &at) {
  const Tensor &x = at(op.getInput()), &table = at(op.getTable());
  int64_t dim = table.columns(), half = dim / 2;
  Tensor y(x.shape);
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t first = 0; first < y.columns(); first += dim)
      for (int64_t i = 0; i < half; ++i) {
        double a = x(t, first + i), b = x(t, first + half + i);
        double c = table(t, i), s = op.getInverse() ? -table(t, half + i) : table(t, half + i);
        y(t, first + i) = a * c - b * s;
        y(t, first + half + i) = b * c + a * s;
      }
  return {y};
}

/// lse[i, h] = log Σ_j exp(S_ij), out[i, h] = Σ_j exp(S_ij - lse[i, h]) v_j
Tensors run(AttentionOp op, const Environment &at) {
  const Tensor &q = at(op.getQuery()), &k = at(op.getKey()), &v = at(op.getValue());
  auto given = [&at](Value operand) { return operand ? &at(operand) : nullptr; };
  SeenRows seen{given(op.getDocumentStart()), given(op.getAt()), given(op.getPrefixStart()),
                given(op.getPrefixEnd())};
  int64_t heads = op.getHeads(), dim = q.columns() / heads;
  Tensor out(q.shape), largest({q.rows(), heads}), lse({q.rows(), heads});
  std::fill(largest.data.begin(), largest.data.end(), -INFINITY);
  auto forEach = [&](auto visit) { forEachScore(q, k, seen, heads, op.getKvHeads(), visit); };
  forEach([&](int64_t i, int64_t j, int64_t h, int64_t g, double s) {
    largest(i, h) = std::max(largest(i, h), s);
  });
  forEach([&](int64_t i, int64_t j, int64_t h, int64_t g, double s) {
    lse(i, h) += std::exp(s - largest(i, h));
  });
  for (size_t i = 0; i < lse.data.size(); ++i)
    lse.data[i] = largest.data[i] + std::log(lse.data[i]);
  forEach([&](int64_t i, int64_t j, int64_t h, int64_t g, double s) {
    for (int64_t c = 0; c < dim; ++c)
      out(i, h * dim + c) += std::exp(s - lse(i, h)) * v(j, g * dim + c);
  });
  return {out, lse};
}

/// cache with row at[t] replaced by x[t]
Tensors run(CacheWriteOp op, const Environment &at) {
  Tensor y = at(op.getCache());
  const Tensor &x = at(op.getInput()), &rows = at(op.getAt());
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t i = 0; i < x.columns(); ++i)
      y(rows.index(t), i) = x(t, i);
  return {y};
}

/// y = u ∘ g ∘ σ(g)
Tensors run(SwigluOp op, const Environment &at) {
  const Tensor &g = at(op.getGate()), &u = at(op.getUp());
  Tensor y(g.shape);
  for (size_t i = 0; i < y.data.size(); ++i)
    y(i) = u(i) * g(i) * sigmoid(g(i));
  return {y};
}

/// y = a + b
Tensors run(AddOp op, const Environment &at) { return {add(at(op.getLhs()), at(op.getRhs()))}; }

/// y[c] = x[rows[c]]
Tensors run(GatherRowsOp op, const Environment &at) {
  const Tensor &x = at(op.getInput()), &rows = at(op.getRows());
  Tensor y({rows.rows(), x.columns()});
  for (int64_t c = 0; c < y.rows(); ++c)
    for (int64_t i = 0; i < y.columns(); ++i)
      y(c, i) = x(rows.index(c), i);
  return {y};
}

/// lse[c] = log Σ_v exp(z_v), nll[c] = lse[c] - z[c, target[c]]; nll[c] = 0 where target[c] < 0
static Tensors lossOf(const Tensor &z, const Tensor &targets) {
  Tensor nll = Tensor::vector(z.rows()), lse = Tensor::vector(z.rows());
  for (int64_t c = 0; c < z.rows(); ++c) {
    double largest = -INFINITY, sum = 0;
    for (int64_t v = 0; v < z.columns(); ++v)
      largest = std::max(largest, z(c, v));
    for (int64_t v = 0; v < z.columns(); ++v)
      sum += std::exp(z(c, v) - largest);
    lse(c) = largest + std::log(sum);
    nll(c) = targets(c) < 0 ? 0 : lse(c) - z(c, targets.index(c));
  }
  return {nll, lse};
}

/// z[c] = W x[c]
Tensors run(CrossEntropyOp op, const Environment &at) {
  return lossOf(multiplyTransposed(at(op.getInput()), at(op.getWeight())), at(op.getTargets()));
}

Tensors run(NllOp op, const Environment &at) { return lossOf(at(op.getLogits()), at(op.getTargets())); }

/// y = Σ_t x[t]
Tensors run(SumOp op, const Environment &at) {
  Tensor y = Tensor::scalar();
  for (double x : at(op.getInput()).data)
    y(0) += x;
  return {y};
}

} // namespace mlir::mlora::reference
