//===- AttentionSoftmax.cpp - online softmax of a warp's scores -----------------------===//

#include "AttentionSoftmax.h"

#include <cfloat>
#include <limits>

using namespace mlir;
using namespace mlir::mlora;

Values SoftmaxState::flatten() const {
  Values list;
  for (const auto &row : output)
    append(list, row);
  llvm::append_range(list, top);
  llvm::append_range(list, total);
  return list;
}

SoftmaxState SoftmaxState::unflatten(ValueRange list) const {
  SoftmaxState state;
  for (const auto &row : output)
    state.output.push_back(takeQuads(list, row.size()));
  state.top = take(list, top.size());
  state.total = take(list, total.size());
  return state;
}

OnlineSoftmax::OnlineSoftmax(AttentionKernel &kernel, int64_t rowTiles, int64_t columns)
    : k(kernel), b(kernel.b), rowTiles(rowTiles), columns(columns) {}

SoftmaxState OnlineSoftmax::begin() {
  SoftmaxState state;
  state.output.assign(rowTiles, SmallVector<Quad>(k.width / 8, b.zeros()));
  state.top = Values(2 * rowTiles, b.real(-FLT_MAX));
  state.total = Values(2 * rowTiles, b.real(0));
  return state;
}

OnlineSoftmax::Step OnlineSoftmax::weigh(SoftmaxState &state, const AttentionKernel::Sums &scores) {
  Value c = b.real(k.log2Scale());
  Step step;
  for (auto [i, quads] : llvm::enumerate(scores)) {
    step.weights.emplace_back(columns / 16);
    for (int64_t half : {0, 1}) {
      int64_t r = 2 * i + half;
      Value top;
      for (const Quad &quad : quads) {
        Value pair = b.larger(quad[2 * half], quad[2 * half + 1]);
        top = top ? b.larger(top, pair) : pair;
      }
      top = b.overQuad(top, [&](Value x, Value y) { return b.larger(x, y); });
      top = b.larger(state.top[r], top);
      Value shift = b.negate(b.multiply(top, c)); // finite: the maximum begins there
      Value factor = b.exp2(b.fma(state.top[r], c, shift));
      Value total = b.multiply(state.total[r], factor);
      for (auto [n, quad] : llvm::enumerate(quads)) {
        Value p[2];
        for (int64_t e : {0, 1}) {
          p[e] = b.exp2(b.fma(quad[2 * half + e], c, shift));
          total = b.add(total, p[e]);
        }
        step.weights[i][n / 2][n % 2 * 2 + half] = b.pack(p[0], p[1]);
      }
      step.factors.push_back(factor);
      state.top[r] = top;
      state.total[r] = total;
    }
  }
  return step;
}

void OnlineSoftmax::rescale(AttentionKernel::Sums &output, const Values &factors) {
  for (auto [i, quads] : llvm::enumerate(output))
    for (Quad &quad : quads)
      for (auto [e, value] : llvm::enumerate(quad))
        value = b.multiply(value, factors[2 * i + e / 2]);
}

void OnlineSoftmax::finish(SoftmaxState &state, function_ref<Place(int64_t)> placeOf) {
  Value isFirst = b.compare(arith::CmpIPredicate::eq, k.quadColumn, b.number(0));
  Values inverses;
  for (int64_t r = 0; r < 2 * rowTiles; ++r) {
    Value total = b.overQuad(state.total[r], [&](Value x, Value y) { return b.add(x, y); });
    inverses.push_back(b.reciprocal(total));
    if (!placeOf)
      continue;
    Place place = placeOf(r);
    b.when(b.both(isFirst, place.isThere), [&] {
      Value exponent = b.fma(state.top[r], b.real(k.log2Scale()), b.log2(total));
      b.store(b.multiply(exponent, b.real(0.6931471805599453)), place.address);
    });
  }
  rescale(state.output, inverses);
}

//===- Rows ---------------------------------------------------------------------------===//

void mlir::mlora::maskScores(ThreadBuilder &b, AttentionKernel::Sums &scores, Value isCut,
                             function_ref<Value(int64_t, int64_t)> isInside) {
  Values all;
  for (auto &quads : scores)
    append(all, quads);
  all = b.when(isCut, all, [&] {
    Value none = b.real(-std::numeric_limits<float>::infinity());
    Values masked;
    for (auto [i, quads] : llvm::enumerate(scores))
      for (auto [n, quad] : llvm::enumerate(quads))
        for (auto [e, value] : llvm::enumerate(quad))
          masked.push_back(b.choose(isInside(2 * i + e / 2, 8 * n + e % 2), value, none));
    return masked;
  });
  ValueRange list = all;
  for (auto &quads : scores)
    quads = takeQuads(list, quads.size());
}

CausalRows::CausalRows(AttentionKernel &kernel, Value first, int64_t rowTiles)
    : warpFirst(first), k(kernel), b(kernel.b) {
  warpLast = b.least(b.plus(warpFirst, 16 * rowTiles - 1), b.minus(k.rows, 1));
  warpEarliest = k.documentStart(warpFirst);
  warpLatest = k.documentStart(warpLast);
  for (int64_t r = 0; r < 2 * rowTiles; ++r) {
    row.push_back(b.plus(warpFirst, b.plus(k.quadRow, 8 * r)));
    start.push_back(k.documentStart(row.back()));
  }
}

void CausalRows::mask(AttentionKernel::Sums &scores, Value first, int64_t columns) {
  Value lane = b.plus(first, k.quadColumn), last = b.plus(first, columns - 1);
  Value isCut = b.either(b.less(warpFirst, last), b.less(first, warpLatest));
  maskScores(b, scores, isCut, [&](int64_t r, int64_t column) {
    Value end = b.minus(row[r], lane);
    Value isInside = b.atMost(b.number(column), end);
    if (k.hasDocuments())
      isInside = b.both(isInside, b.atMost(b.minus(start[r], lane), b.number(column)));
    return isInside;
  });
}

void CausalRows::finish(OnlineSoftmax &softmax, SoftmaxState &state, Value lse, Value head) {
  auto placeOf = [&](int64_t r) -> OnlineSoftmax::Place {
    return {b.less(row[r], k.rows), b.at(b.atRow(lse, row[r], 4 * k.heads), b.left(head, 2))};
  };
  softmax.finish(state, lse ? function_ref<OnlineSoftmax::Place(int64_t)>(placeOf) : nullptr);
}
