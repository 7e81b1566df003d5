//===- AttentionQueryRows.cpp - rows of queries in the backward pass ------------------===//

#include "AttentionQueryRows.h"

using namespace mlir;
using namespace mlir::mlora;

Value mlir::mlora::buildDelta(AttentionKernel &k, const Columns &cotangent, const Columns &output, Value head,
                              Value row) {
  ThreadBuilder &b = k.b;
  Value inside = b.least(row, b.minus(k.rows, 1)), lane = b.bitAnd(k.lane, b.number(3));
  Value left = b.atRow(k.headOf(cotangent, head), inside, cotangent.stride());
  Value right = b.atRow(k.headOf(output, head), inside, output.stride());
  auto type = VectorType::get({4}, b.getI32Type());
  Values sum = {b.real(0)};
  for (int64_t i = 0; i < k.layout.chunks; i += 4) {
    Value chunk = b.plus(lane, i);
    auto more = [&] {
      Value x = b.load(type, b.at(left, b.left(chunk, 4))), y = b.load(type, b.at(right, b.left(chunk, 4)));
      return Values{b.dot(x, y, sum[0])};
    };
    sum = i + 4 <= k.layout.chunks ? more() : b.when(b.less(chunk, b.number(k.layout.chunks)), sum, more);
  }
  return b.overQuad(sum[0], [&](Value x, Value y) { return b.add(x, y); });
}

QueryRows::QueryRows(AttentionKernel &kernel, Value first, int64_t rowTiles)
    : warpFirst(first), k(kernel), b(kernel.b), rowTiles(rowTiles) {
  warpLast = b.least(b.plus(warpFirst, 16 * rowTiles - 1), b.minus(k.rows, 1));
  warpEarliest = k.documentStart(warpFirst);
  warpLatest = k.documentStart(warpLast);
}

void QueryRows::load(const Columns &cotangent, const Columns &output, Value head, Value exponents) {
  for (int64_t r = 0; r < 2 * rowTiles; ++r) {
    row.push_back(b.plus(warpFirst, b.plus(k.quadRow, 8 * r)));
    start.push_back(k.documentStart(row[r]));
    delta.push_back(buildDelta(k, cotangent, output, head, row[r]));
    Value inside = b.least(row[r], b.minus(k.rows, 1));
    Value exponent = b.load(b.getF32Type(), b.atRow(exponents, inside, 4 * k.heads));
    lse.push_back(b.multiply(exponent, b.real(-1.4426950408889634)));
  }
}

Value QueryRows::isCut(Value first, int64_t columns) {
  return b.either(b.less(warpFirst, b.plus(first, columns - 1)), b.less(first, warpLatest));
}

void QueryRows::weigh(AttentionKernel::Sums &scores, Value first, int64_t offset, Value isCut) {
  Value c = b.real(k.log2Scale()), lane = b.plus(first, k.quadColumn);
  int64_t elements = 4 * scores[0].size(); // of a tile of rows
  Values flat;
  for (auto [i, quads] : llvm::enumerate(scores))
    for (Quad &quad : quads)
      for (auto [e, value] : llvm::enumerate(quad))
        flat.push_back(b.exp2(b.fma(value, c, lse[2 * i + e / 2])));
  flat = b.when(isCut, flat, [&] {
    Values masked;
    for (auto [at, value] : llvm::enumerate(flat)) {
      int64_t r = at / elements * 2 + at % 4 / 2, column = offset + at % elements / 4 * 8 + at % 2;
      Value isInside = b.atMost(b.number(column), b.minus(row[r], lane));
      if (k.hasDocuments())
        isInside = b.both(isInside, b.atMost(b.minus(start[r], lane), b.number(column)));
      masked.push_back(b.choose(isInside, value, b.real(0)));
    }
    return masked;
  });
  ValueRange list = flat;
  for (auto &quads : scores)
    quads = takeQuads(list, quads.size());
}

void QueryRows::differentiate(AttentionKernel::Sums &gradient, const AttentionKernel::Sums &weights) {
  for (auto [i, quads] : llvm::enumerate(gradient))
    for (auto [n, quad] : llvm::enumerate(quads))
      for (auto [e, value] : llvm::enumerate(quad))
        value = b.multiply(weights[i][n][e], b.subtract(value, delta[2 * i + e / 2]));
}
