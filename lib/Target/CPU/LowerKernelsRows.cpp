//===- LowerKernelsRows.cpp - row-wise ops on blocks of rows ---------------------===//

#include "BlockBuilder.h"
#include "Building.h"
#include "UnpackBlocks.h"

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

static int64_t getColumns(Value value) { return cast<RankedTensorType>(value.getType()).getShape().back(); }

/// ρ[t] = 1/sqrt(mean(x[t]²) + eps)
static void scaleRows(BlockBuilder &b, Value x, int64_t columns, double eps, Value rho) {
  double inverse = 1.0 / columns;
  b.fill(rho, 0);
  b.reduce(2, {{x, {0, 1}}}, {{rho, {0}}},
           [&](ValueRange v) { return Values{b.add(v[1], b.mul(v[0], v[0]))}; });
  b.each(1, {}, {{rho, {0}}}, [&](ValueRange v) {
    return Values{b.div(b.real(1), b.sqrt(b.add(b.mul(v[0], b.real(inverse)), b.real(eps))))};
  });
}

static void emitRmsNormScale(BlockBuilder &b, RmsNormScaleOp op) {
  scaleRows(b, b.in(op.getInput()), getColumns(op.getInput()), op.getEps().convertToDouble(),
            b.out(op.getOutput()));
}

/// y[t] = w ∘ x[t] · ρ[t]
static void emitRmsNorm(BlockBuilder &b, RmsNormOp op) {
  Value x = b.in(op.getInput()), y = b.out(op.getOutput()), rho = b.rowScratch();
  scaleRows(b, x, getColumns(op.getInput()), op.getEps().convertToDouble(), rho);
  b.each(2, {{x, {0, 1}}, {b.whole(op.getWeight()), {1}}, {rho, {0}}}, {{y, {0, 1}}},
         [&](ValueRange v) { return Values{b.mul(b.mul(v[0], v[2]), v[1])}; });
}

/// dx = ρ·z - x·(ρ³/D)·Σ z x with z = w ∘ dy
static void emitRmsNormInputGrad(BlockBuilder &b, RmsNormInputGradOp op) {
  Value dy = b.in(op.getCotangent()), x = b.in(op.getInput()), w = b.whole(op.getWeight()),
        dx = b.out(op.getOutput());
  Value rho = b.rowScratch(), pull = b.rowScratch();
  double inverse = 1.0 / getColumns(op.getInput()), eps = op.getEps().convertToDouble();
  b.fill(rho, 0);
  b.fill(pull, 0);
  b.reduce(2, {{x, {0, 1}}, {dy, {0, 1}}, {w, {1}}}, {{rho, {0}}, {pull, {0}}}, [&](ValueRange v) {
    return Values{b.add(v[3], b.mul(v[0], v[0])), b.add(v[4], b.mul(b.mul(v[1], v[2]), v[0]))};
  });
  b.each(1, {}, {{rho, {0}}, {pull, {0}}}, [&](ValueRange v) {
    Value r = b.div(b.real(1), b.sqrt(b.add(b.mul(v[0], b.real(inverse)), b.real(eps))));
    return Values{r, b.mul(b.mul(b.mul(r, r), b.mul(r, b.real(inverse))), v[1])};
  });
  b.each(2, {{x, {0, 1}}, {dy, {0, 1}}, {w, {1}}, {rho, {0}}, {pull, {0}}}, {{dx, {0, 1}}},
         [&](ValueRange v) { return Values{b.sub(b.mul(v[3], b.mul(v[1], v[2])), b.mul(v[0], v[4]))}; });
}

/// What a block does with a weight. Where layers differ in format it is built once for each, and the block takes that of
/// its layer.
static void withWeight(BlockBuilder &b, Value value, function_ref<void(BlockBuilder::Weight)> body) {
  BlockBuilder::Weight weight = b.weight(value);
  auto layout = weight.format ? ::mlora::BlockLayout::find(std::string_view(weight.format.getValue()))
                              : std::optional<::mlora::BlockLayout>();
  if (!layout || !layout->isMixed())
    return body(weight);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  Value number = memref::LoadOp::create(b, weight.memory, ValueRange{b.index(shape[0]), b.index(0)});
  // Rows of the layer's own format, one behind another.
  auto build = [&](const ::mlora::BlockFormat &format) {
    int64_t bytes = shape[1] / format.values * format.bytes;
    body({memref::ReinterpretCastOp::create(b, MemRefType::get({shape[0], bytes}, b.getI8Type()), weight.memory,
                                            /*offset=*/0, {shape[0], bytes}, {bytes, 1}),
          b.getStringAttr(format.name)});
  };
  std::function<void(size_t)> choose = [&](size_t i) {
    if (i + 1 == layout->formats.size())
      return build(*layout->formats[i]);
    Value isIt = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number,
                                       arith::ConstantOp::create(b, b.getI8IntegerAttr(int8_t(i))));
    buildIf(
        b, isIt, [&] { build(*layout->formats[i]); }, [&] { choose(i + 1); });
  };
  choose(0);
}

/// y = x Wᵀ, or the tile's columns of it: whole stripes, the last tile takes the rest
static void emitLinear(BlockBuilder &b, LinearOp op) {
  Value x = b.in(op.getInput()), y = b.out(op.getOutput());
  if (!isTiled(op))
    return withWeight(b, op.getWeight(), [&](BlockBuilder::Weight weight) { b.gemmTransposed(x, weight, y); });
  int64_t columns = getColumns(op.getOutput()),
          width = llvm::alignTo(llvm::divideCeil(columns, b.numTiles), b.shape.stripeColumns);
  Value from = b.times(b.tile, width),
        size = b.most(b.least(b.index(width), b.minus(b.index(columns), from)), b.index(0));
  OpFoldResult zero = b.getIndexAttr(0), first = getAsOpFoldResult(from), some = getAsOpFoldResult(size);
  withWeight(b, op.getWeight(), [&](BlockBuilder::Weight weight) {
    OpFoldResult all = b.getIndexAttr(cast<MemRefType>(weight.memory.getType()).getDimSize(1));
    weight.memory = b.view(weight.memory, {first, zero}, {some, all});
    b.gemmTransposed(x, weight, b.view(y, {zero, first}, {getAsOpFoldResult(b.count), some}));
  });
}

/// dx = dy W
static void emitLinearInputGrad(BlockBuilder &b, LinearInputGradOp op) {
  b.gemm(b.in(op.getCotangent()), b.whole(op.getWeight()), b.out(op.getOutput()));
}

/// m = x Ãᵀ, y_j = x W_jᵀ + m_j B̃_jᵀ
static void emitAdaptedLinear(BlockBuilder &b, AdaptedLinearOp op) {
  Value x = b.in(op.getInput()), mid = b.out(op.getMid());
  b.gemmTransposed(x, b.whole(op.getDown()), mid);
  int64_t from = 0;
  for (auto [weight, up, output] : llvm::zip_equal(op.getWeights(), op.getUps(), op.getOutputs())) {
    Value y = b.out(output), sums = b.sumsFor(y);
    b.gemmTransposed(x, b.whole(weight), sums);
    b.gemmTransposed(b.columns(mid, from, getColumns(up)), b.whole(up), sums, 1);
    b.storeSums(sums, y);
    from += getColumns(up);
  }
}

/// u_j = dy_j B̃_j, dx = Σ_j dy_j W_j + u Ã
static void emitAdaptedLinearInputGrad(BlockBuilder &b, AdaptedLinearInputGradOp op) {
  Value u = b.out(op.getMidCotangent());
  int64_t from = 0;
  for (auto [dy, up] : llvm::zip_equal(op.getCotangents(), op.getUps())) {
    b.gemm(b.in(dy), b.whole(up), b.columns(u, from, getColumns(up)));
    from += getColumns(up);
  }
  if (!op.getInputCotangent())
    return;
  Value dx = b.out(op.getInputCotangent()), sums = b.sumsFor(dx);
  for (auto [j, dy, weight] : llvm::enumerate(op.getCotangents(), op.getWeights()))
    b.gemm(b.in(dy), b.whole(weight), sums, j == 0 ? 0 : 1);
  b.gemm(u, b.whole(op.getDown()), sums, 1);
  b.storeSums(sums, dx);
}

/// x ∘ σ(g), as exact as results in `out` are: for bf16 a GPU's instructions do, which are off by some 2^-22.
static Value gated(BlockBuilder &b, Value x, Value g, Value out) {
  bool isRounded = cast<MemRefType>(out.getType()).getElementType().isBF16();
  auto flags = isRounded ? arith::FastMathFlags::afn : arith::FastMathFlags::none;
  Value e = math::ExpOp::create(b, b.neg(g), flags);
  return arith::DivFOp::create(b, x, b.add(b.real(1), e), flags);
}

/// y = u ∘ g ∘ σ(g)
static void emitSwiglu(BlockBuilder &b, SwigluOp op) {
  Value gate = b.in(op.getGate()), up = b.in(op.getUp()), y = b.out(op.getOutput());
  b.each(2, {{gate, {0, 1}}, {up, {0, 1}}}, {{y, {0, 1}}},
         [&](ValueRange v) { return Values{gated(b, b.mul(v[0], v[1]), v[0], y)}; });
}

/// dg = dy ∘ u ∘ σ ∘ (1 + g ∘ (1 - σ)), du = dy ∘ g ∘ σ
static void emitSwigluGrad(BlockBuilder &b, SwigluGradOp op) {
  Value dGate = b.out(op.getGateCotangent()), dUp = b.out(op.getUpCotangent());
  b.each(2, {{b.in(op.getCotangent()), {0, 1}}, {b.in(op.getGate()), {0, 1}}, {b.in(op.getUp()), {0, 1}}},
         {{dGate, {0, 1}}, {dUp, {0, 1}}}, [&](ValueRange v) {
           Value dy = v[0], g = v[1], u = v[2], sigma = gated(b, b.real(1), g, dGate), dySigma = b.mul(dy, sigma);
           Value slope = b.add(b.real(1), b.mul(g, b.sub(b.real(1), sigma)));
           return Values{b.mul(b.mul(dySigma, u), slope), b.mul(dySigma, g)};
         });
}

/// y = a + b
static void emitAdd(BlockBuilder &b, AddOp op) {
  auto rank = cast<RankedTensorType>(op.getType()).getRank();
  auto dims = llvm::to_vector<3>(llvm::seq<unsigned>(0, rank));
  b.each(rank, {{b.in(op.getLhs()), dims}, {b.in(op.getRhs()), dims}}, {{b.out(op.getOutput()), dims}},
         [&](ValueRange v) { return Values{b.add(v[0], v[1])}; });
}

/// y[t] = table[ids[t]], row by row.
static void emitRowCopies(BlockBuilder &b, Value table, Value ids, Value y) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  OpFoldResult width = b.getIndexAttr(cast<MemRefType>(table.getType()).getDimSize(1));
  b.parallel(b.count, [&](Value t) {
    Value from = b.view(table, {b.loadIndex(ids, t), zero}, {one, width});
    b.copy(from, b.view(y, {t, zero}, {one, width}));
  });
}
static void emitEmbedding(BlockBuilder &b, EmbeddingOp op) {
  Value ids = b.in(op.getIds()), y = b.out(op.getOutput());
  withWeight(b, op.getTable(), [&](BlockBuilder::Weight table) {
    if (!table.format)
      return emitRowCopies(b, table.memory, ids, y);
    const ::mlora::BlockFormat &format = *::mlora::findBlockFormat(std::string_view(table.format.getValue()));
    b.parallel(b.count, [&](Value t) {
      Value row = b.loadIndex(ids, t);
      b.loop(b.index(0), b.index(getColumns(op.getOutput()) / format.values), 1, [&](Value block) {
        for (int64_t unit = 0; unit < format.values / kLanes; ++unit)
          vector::StoreOp::create(
              b, unpackSixteen(b, format, table.memory, row, b.times(block, format.bytes), unit), y,
              ValueRange{t, b.plus(b.times(block, format.values), b.index(unit * kLanes))});
      });
    });
  });
}
static void emitGatherRows(BlockBuilder &b, GatherRowsOp op) {
  emitRowCopies(b, b.whole(op.getInput()), b.in(op.getRows()), b.out(op.getOutput()));
}

/// y[rows[c]] = x[c], zero elsewhere. A block looks through all of `rows` for those that are its own, so that
/// blocks need no order between them and each row of y is written once.
static void emitScatterRows(BlockBuilder &b, ScatterRowsOp op) {
  Value x = b.whole(op.getInput()), rows = b.whole(op.getRows()), y = b.out(op.getOutput());
  Type i32 = b.getI32Type();
  auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(b, i32, value); };
  Value from = b.scratch({b.blockRows}, i32); // the row of x that a row of the block has; -1: none
  b.parallel(b.count, [&](Value t) { b.store(number(-1), from, t); });
  b.parallel(b.rowsOf(op.getRows(), kCountedRows), [&](Value c) {
    // Unsigned: what lies before the block is outside as well.
    Value t = b.minus(b.loadIndex(rows, c), b.first);
    Value isMine = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, t, b.count);
    b.when(isMine, [&] { b.store(arith::IndexCastOp::create(b, i32, c), from, t); });
  });
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1), width = b.getIndexAttr(getColumns(op.getOutput()));
  b.parallel(b.count, [&](Value t) {
    Value to = b.view(y, {t, zero}, {one, width}), c = b.loadIndex(from, t);
    buildIf(
        b, b.less(c, b.index(0)), [&] { b.fill(to, 0); },
        [&] { b.copy(b.view(x, {c, zero}, {one, width}), to); });
  });
}

/// y[t] = x
static void emitSpread(BlockBuilder &b, SpreadOp op) {
  b.each(1, {{b.whole(op.getInput()), {}}}, {{b.out(op.getOutput()), {0}}},
         [&](ValueRange v) { return Values{v[0]}; });
}

/// y = x
static void emitRound(BlockBuilder &b, RoundOp op) { b.copy(b.in(op.getInput()), b.out(op.getOutput())); }

/// y[t] = [a[t] | b[t] | …]; what was computed in its place is there.
static void emitJoin(BlockBuilder &b, JoinOp op) {
  Value y = b.out(op.getOutput());
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    if (!b.isComputedIn(input, op))
      b.copy(b.in(input), b.columns(y, op.getFirstColumn(i), getColumns(input)));
}

/// A window that leaves the kernel is copied; any other is a view (BlockBuilder::in, whole).
static void emitWindow(BlockBuilder &b, WindowOp op) {
  if (b.isResult(op.getOutput()))
    b.copy(b.columns(b.in(op.getInput()), op.getAt()[1], getColumns(op.getOutput())), b.out(op.getOutput()));
}

/// The result is the input itself, so nothing but the part moves; what was computed in its place is there.
static void emitPlace(BlockBuilder &b, PlaceOp op) {
  if (!b.isComputedIn(op.getPart(), op))
    b.copy(b.in(op.getPart()), b.windowOf(op));
}

/// cache[at[t]] = x[t]; the result is the cache itself, so nothing else moves.
static void emitCacheWrite(BlockBuilder &b, CacheWriteOp op) {
  Value cache = b.wholeResult(op.getOutput()), at = b.whole(op.getAt());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1),
               width = b.getIndexAttr(getColumns(op.getInput()));
  auto row = [&](Value memory, Value t) {
    return b.view(memory, {getAsOpFoldResult(t), zero}, {one, width});
  };
  if (b.grid.back().extent != "kv_rows") {
    Value input = b.in(op.getInput());
    return b.loop(b.index(0), b.count, 1, [&](Value t) {
      b.copy(row(input, t), row(cache, b.loadIndex(at, b.plus(b.first, t))));
    });
  }
  // The grid walks along the cache: tokens whose row is the block's.
  Value input = b.whole(op.getInput()), last = b.plus(b.first, b.count);
  b.loop(b.index(0), b.rowsOf(op.getInput(), kRows), 1, [&](Value t) {
    Value to = b.loadIndex(at, t);
    Value isMine = arith::AndIOp::create(b, b.less(to, last), b.less(b.minus(b.first, b.index(1)), to));
    b.when(isMine, [&] { b.copy(row(input, t), row(cache, to)); });
  });
}

void mlir::mlora::addRowEmitters(BlockEmitters &table) {
  addEmitter<emitRmsNorm, RmsNormOp>(table);
  addEmitter<emitRmsNormInputGrad, RmsNormInputGradOp>(table);
  addEmitter<emitRmsNormScale, RmsNormScaleOp>(table);
  addEmitter<emitLinear, LinearOp>(table);
  addEmitter<emitLinearInputGrad, LinearInputGradOp>(table);
  addEmitter<emitAdaptedLinear, AdaptedLinearOp>(table);
  addEmitter<emitAdaptedLinearInputGrad, AdaptedLinearInputGradOp>(table);
  addEmitter<emitSwiglu, SwigluOp>(table);
  addEmitter<emitSwigluGrad, SwigluGradOp>(table);
  addEmitter<emitAdd, AddOp>(table);
  addEmitter<emitEmbedding, EmbeddingOp>(table);
  addEmitter<emitGatherRows, GatherRowsOp>(table);
  addEmitter<emitScatterRows, ScatterRowsOp>(table);
  addEmitter<emitSpread, SpreadOp>(table);
  addEmitter<emitRound, RoundOp>(table);
  addEmitter<emitJoin, JoinOp>(table);
  addEmitter<emitWindow, WindowOp>(table);
  addEmitter<emitPlace, PlaceOp>(table);
  addEmitter<emitCacheWrite, CacheWriteOp>(table);
}
