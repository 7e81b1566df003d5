//===- LowerKernelsRope.cpp - rotary embedding on blocks of rows -----------------===//

#include "BlockBuilder.h"

using namespace mlir;
using namespace mlir::mlora;

/// [a | b] -> [a∘c - b∘s | b∘c + a∘s] for each head, [c | s] = table[t]; the inverse has -s.
static void emitRope(BlockBuilder &b, RopeOp op) {
  int64_t heads = op.getHeads(), width = op.getInput().getType().getShape()[1] / heads, half = width / 2;
  Value x = b.split(b.in(op.getInput()), heads, width), y = b.split(b.out(op.getOutput()), heads, width);
  Value table = b.in(op.getTable());
  auto halfOf = [&](Value memory, int64_t from) {
    auto type = cast<MemRefType>(memory.getType());
    OpFoldResult zero = b.getIndexAttr(0);
    OpFoldResult rows =
        type.isDynamicDim(0) ? getAsOpFoldResult(b.count) : b.getIndexAttr(type.getDimSize(0));
    return b.view(memory, {zero, zero, b.getIndexAttr(from)},
                  {rows, b.getIndexAttr(heads), b.getIndexAttr(half)});
  };
  b.each(3,
         {{halfOf(x, 0), {0, 1, 2}},
          {halfOf(x, half), {0, 1, 2}},
          {b.columns(table, 0, half), {0, 2}},
          {b.columns(table, half, half), {0, 2}}},
         {{halfOf(y, 0), {0, 1, 2}}, {halfOf(y, half), {0, 1, 2}}}, [&](ValueRange v) {
           Value c = v[2], s = op.getInverse() ? b.neg(v[3]) : v[3];
           return SmallVector<Value>{b.sub(b.mul(v[0], c), b.mul(v[1], s)),
                                     b.add(b.mul(v[1], c), b.mul(v[0], s))};
         });
}

namespace {
/// Sine and cosine in f64 of |x| < 1e6, without libm: Cody and Waite's reduction to |r| <= π/4, then fdlibm's
/// polynomials.
struct SinCos {
  BlockBuilder &b;

  Value real(double value) { return arith::ConstantOp::create(b, b.getF64FloatAttr(value)); }

  /// Σ c_k z^k by Horner's rule.
  Value polynomial(Value z, ArrayRef<double> coefficients) {
    Value sum = real(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = b.add(b.mul(sum, z), real(c));
    return sum;
  }

  std::pair<Value, Value> build(Value x) {
    // Adding 1.5·2^52 rounds to the nearest integer. π/2 = 33 bits (so that q times it is exact) + the rest.
    Value magic = real(0x1.8p52);
    Value q = b.sub(b.add(b.mul(x, real(6.36619772367581382433e-01)), magic), magic);
    Value r = b.sub(b.sub(x, b.mul(q, real(1.57079632673412561417e+00))),
                    b.mul(q, real(6.07710050650619224932e-11)));
    Value z = b.mul(r, r);
    Value sine = b.add(
        r, b.mul(b.mul(r, z), polynomial(z, {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
                                             -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                                             -2.50507602534068634195e-08, 1.58969099521155010221e-10})));
    Value cosine = polynomial(z, {1, -0.5, 4.16666666666666019037e-02, -1.38888888888741095749e-03,
                                  2.48015872894767294178e-05, -2.75573143513906633035e-07,
                                  2.08757232129817482790e-09, -1.13596475577881948265e-11});
    // Quarter turns: q mod 4 swaps (bit 0) and negates: sine by bit 1, cosine by bit 1 of q + 1.
    Value quarter = arith::FPToSIOp::create(b, b.getI64Type(), q);
    auto bit = [&](Value of, int64_t mask) -> Value {
      auto constant = [&](int64_t value) -> Value {
        return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
      };
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, of, constant(mask)),
                                   constant(0));
    };
    Value one = arith::ConstantOp::create(b, b.getI64IntegerAttr(1));
    Value swap = bit(quarter, 1), negateSine = bit(quarter, 2);
    Value negateCosine = bit(arith::AddIOp::create(b, quarter, one), 2);
    auto select = [&](Value condition, Value yes, Value no) -> Value {
      return arith::SelectOp::create(b, condition, yes, no);
    };
    Value s = select(swap, cosine, sine), c = select(swap, sine, cosine);
    return {select(negateSine, b.neg(s), s), select(negateCosine, b.neg(c), c)};
  }
};
} // namespace

/// table[t] = [cos(p·f_i) … | sin(p·f_i) …], angles in f64.
static void emitRopeTable(BlockBuilder &b, RopeTableOp op) {
  SmallVector<double> frequencies = op.getFrequencies();
  int64_t half = frequencies.size();
  auto type = MemRefType::get({half}, b.getF64Type());
  std::string name = (b.kernel.getSymName() + "_frequencies").str();
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(b.function);
    memref::GlobalOp::create(
        b, name, b.getStringAttr("private"), type,
        DenseElementsAttr::get(RankedTensorType::get({half}, b.getF64Type()), ArrayRef<double>(frequencies)),
        /*constant=*/true, /*alignment=*/b.getI64IntegerAttr(64));
  }
  Value constants = memref::GetGlobalOp::create(b, type, name);
  Value position = b.in(op.getPosition()), table = b.out(op.getTable());
  b.parallel({b.count, b.index(half)}, [&](ValueRange at) {
    Value t = at[0], i = at[1];
    Value p = arith::SIToFPOp::create(b, b.getF64Type(), b.load(position, t));
    auto [sine, cosine] = SinCos{b}.build(b.mul(p, b.load(constants, i)));
    b.store(arith::TruncFOp::create(b, b.getF32Type(), cosine), table, {t, i});
    b.store(arith::TruncFOp::create(b, b.getF32Type(), sine), table, {t, b.plus(i, b.index(half))});
  });
}

void mlir::mlora::addRopeEmitters(BlockEmitters &table) {
  addEmitter<emitRope, RopeOp>(table);
  addEmitter<emitRopeTable, RopeTableOp>(table);
}
