//===- LowerKernelsLoss.cpp - the loss of logits that are there ----------------------===//

#include "Building.h"
#include "Losses.h"

#include <cfloat>

using namespace mlir;
using namespace mlir::mlora;

using Values = SmallVector<Value>;

/// A row is shared by so many threads, each of which has so many accesses of it in flight.
static constexpr int64_t kSharers = 128, kUnroll = 4;
/// Elements of 16 bytes.
static constexpr int64_t kWidest = 4;

namespace {
/// The greatest of some numbers, and the sum of exp(z - greatest) over them.
struct Softmax {
  Value top, total;
};
} // namespace

void mlir::mlora::storeLosses(BlockBuilder &b, Value z, Value top, Value total, Value targets, Value lse,
                              Value nll) {
  b.each(1, {{top, {0}}, {total, {0}}}, {{lse, {0}}},
         [&](ValueRange v) { return Values{b.add(v[0], b.log(v[1]))}; });
  b.parallel(b.count, [&](Value c) {
    Value target = b.loadIndex(targets, c), zero = b.index(0);
    Value loss = b.sub(b.load(lse, c), b.load(z, {c, b.most(target, zero)}));
    b.store(arith::SelectOp::create(b, b.less(target, zero), b.real(0), loss), nll, c);
  });
}

void mlir::mlora::storeRowWeights(BlockBuilder &b, Value dnll, Value targets, Value rowFirst, Value rows,
                                  Value weight) {
  b.parallel(rows, [&](Value c) {
    Value row = b.plus(rowFirst, c);
    Value none = b.less(b.loadIndex(targets, row), b.index(0));
    b.store(arith::SelectOp::create(b, none, b.real(0), b.load(dnll, row)), weight, c);
  });
}

static Value spread(BlockBuilder &b, Value value, Value like) {
  auto type = dyn_cast<VectorType>(like.getType());
  return type ? vector::BroadcastOp::create(b, type, value).getResult() : value;
}

/// `softmax` with more numbers, some vectors of them: its sum is rescaled once.
static Softmax extend(BlockBuilder &b, Softmax softmax, ArrayRef<Value> vectors) {
  auto fold = [&](function_ref<Value(Value, Value)> combine, function_ref<Value(Value)> each) {
    Value sum = each(vectors.front());
    for (Value vector : vectors.drop_front())
      sum = combine(sum, each(vector));
    return isa<VectorType>(sum.getType()) ? foldLanes(b, sum, combine) : sum;
  };
  Value greatest = fold([&](Value x, Value y) { return b.maximum(x, y); }, [](Value z) { return z; });
  Value top = b.maximum(softmax.top, greatest);
  Value more = fold([&](Value x, Value y) { return b.add(x, y); },
                    [&](Value z) { return b.exp(b.sub(z, spread(b, top, z))); });
  return {top, b.add(b.mul(softmax.total, b.exp(b.sub(softmax.top, top))), more)};
}

/// The numbers of row `row` that sharer `sharer` has: in steps that all sharers take side by side, then what
/// is left, one by one.
static Softmax sharedSoftmax(BlockBuilder &b, Value z, Value row, Value sharer) {
  int64_t words = cast<MemRefType>(z.getType()).getDimSize(1);
  int64_t width = words % kWidest == 0 ? kWidest : 1, step = kSharers * width * kUnroll;
  int64_t steps = words / step;
  auto carry = [&](int64_t from, int64_t to, int64_t by, Softmax start,
                   function_ref<SmallVector<Value>(Value)> load) -> Softmax {
    auto loop =
        buildLoop(b, b.index(from), b.index(to), b.index(by), {start.top, start.total}, [&](scf::ForOp op) {
          Softmax next =
              extend(b, {op.getRegionIterArg(0), op.getRegionIterArg(1)}, load(op.getInductionVar()));
          return Values{next.top, next.total};
        });
    return {loop.getResult(0), loop.getResult(1)};
  };
  Softmax softmax{b.real(-FLT_MAX), b.real(0)};
  softmax = carry(0, steps * step, step, softmax, [&](Value first) {
    return llvm::map_to_vector(llvm::seq<int64_t>(0, kUnroll), [&](int64_t i) -> Value {
      Value column = b.plus(b.plus(first, b.index(i * kSharers * width)), b.times(sharer, width));
      if (width == 1)
        return b.load(z, {row, column});
      auto type = VectorType::get({width}, b.getF32Type());
      return vector::LoadOp::create(b, type, z, ValueRange{row, column}, /*nontemporal=*/false,
                                    llvm::MaybeAlign(width * 4));
    });
  });
  Value rest = b.plus(b.index(steps * step), sharer);
  auto loop =
      buildLoop(b, rest, b.index(words), b.index(kSharers), {softmax.top, softmax.total}, [&](scf::ForOp op) {
        Softmax next = extend(b, {op.getRegionIterArg(0), op.getRegionIterArg(1)},
                              {b.load(z, {row, op.getInductionVar()})});
        return Values{next.top, next.total};
      });
  return {loop.getResult(0), loop.getResult(1)};
}

/// lse = log Σ_v exp(z_v), nll = lse - z_target; targets below 0 have nll 0. Logits are read once.
static void emitNll(BlockBuilder &b, NllOp op) {
  Value z = b.in(op.getLogits()), targets = b.in(op.getTargets()), nll = b.out(op.getNll()),
        lse = b.out(op.getLse());
  Value tops = b.rowScratch({kSharers}), totals = b.rowScratch({kSharers}), top = b.rowScratch(),
        total = b.rowScratch();
  b.parallel({b.count, b.index(kSharers)}, [&](ValueRange at) {
    Softmax softmax = sharedSoftmax(b, z, at[0], at[1]);
    b.store(softmax.top, tops, at);
    b.store(softmax.total, totals, at);
  });
  b.fill(top, -FLT_MAX);
  b.reduce(2, {{tops, {0, 1}}}, {{top, {0}}}, [&](ValueRange v) { return Values{b.maximum(v[1], v[0])}; });
  b.fill(total, 0);
  b.reduce(2, {{totals, {0, 1}}, {tops, {0, 1}}, {top, {0}}}, {{total, {0}}},
           [&](ValueRange v) { return Values{b.add(v[3], b.mul(v[0], b.exp(b.sub(v[1], v[2]))))}; });
  storeLosses(b, z, top, total, targets, lse, nll);
}

/// dz = dnll · (exp(z - lse) - onehot(target)), each element rounded once
static void emitNllInputGrad(BlockBuilder &b, NllInputGradOp op) {
  Value z = b.in(op.getLogits()), dz = b.out(op.getOutput()), targets = b.in(op.getTargets()),
        lse = b.in(op.getLse()), dnll = b.in(op.getCotangent()), weight = b.rowScratch();
  int64_t words = op.getLogits().getType().getDimSize(1);
  storeRowWeights(b, dnll, targets, b.index(0), b.count, weight);
  b.each(2, {{z, {0, 1}}, {lse, {0}}, {weight, {0}}}, {{dz, {0, 1}}},
         [&](ValueRange v) { return Values{b.mul(v[2], b.exp(b.sub(v[0], v[1])))}; });
  b.parallel(b.count, [&](Value c) {
    Value word = b.loadIndex(targets, c);
    // Unsigned: a negative target is outside as well.
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, word, b.index(words));
    b.when(inside, [&] {
      Value share = b.exp(b.sub(b.load(z, {c, word}), b.load(lse, c)));
      b.store(b.mul(b.load(weight, c), b.sub(share, b.real(1))), dz, {c, word});
    });
  });
}

void mlir::mlora::addLossEmitters(BlockEmitters &table) {
  addEmitter<emitNll, NllOp>(table);
  addEmitter<emitNllInputGrad, NllInputGradOp>(table);
}
