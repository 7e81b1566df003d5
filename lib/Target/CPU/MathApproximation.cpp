//===- MathApproximation.cpp - elementary functions without a library -----------------===//
//
// Polynomials are those of Cephes (S. Moshier, netlib.org/cephes: expf, logf, sinf, sin), after exact range
// reductions.

#include "MathApproximation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace {

/// Arithmetic on scalars or vectors of one shape.
struct Real {
  ImplicitLocOpBuilder b;
  Type type; ///< of the function's operand

  Real(PatternRewriter &rewriter, Operation *op)
      : b(op->getLoc(), rewriter), type(op->getResult(0).getType()) {}

  Type withElement(Type element) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
  }
  Value constant(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, value);
    return arith::ConstantOp::create(b, value);
  }
  Value real(double value) { return real(value, getElementTypeOrSelf(type)); }
  Value real(double value, Type element) {
    return constant(withElement(element), b.getFloatAttr(element, value));
  }
  Value integer(int64_t value, unsigned bits = 32) {
    return constant(withElement(b.getIntegerType(bits)), b.getIntegerAttr(b.getIntegerType(bits), value));
  }
  Value bits(Value value, unsigned width = 32) {
    return arith::BitcastOp::create(b, withElement(b.getIntegerType(width)), value);
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
  Value less(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y); }
  Value polynomial(Value x, ArrayRef<double> highestFirst) {
    Type element = getElementTypeOrSelf(x.getType());
    Value y = real(highestFirst.front(), element);
    for (double coefficient : highestFirst.drop_front())
      y = fma(y, x, real(coefficient, element));
    return y;
  }
};

struct ExpPattern : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Real r(rewriter, op);
    // Beyond these bounds the result is 0 or infinite anyway; a NaN passes both comparisons.
    Value x = op.getOperand(), low = r.real(-104), high = r.real(89);
    x = r.select(r.less(x, low), low, x);
    x = r.select(r.less(high, x), high, x);
    // x = n·ln 2 + t. Adding 1.5·2^23 rounds to an integer and leaves it in the low bits.
    Value magic = r.real(12582912.0);
    Value shifted = r.fma(x, r.real(1.44269504088896341), magic);
    Value n = r.sub(shifted, magic);
    Value t = r.fma(n, r.real(-0.693359375), x);
    t = r.fma(n, r.real(2.12194440e-4), t);
    Value p = r.polynomial(t, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
                               1.6666665459e-1, 5.0000001201e-1});
    p = r.add(r.fma(p, r.mul(t, t), t), r.real(1));
    // 2^n as two factors, so that the ends of the range (denormal, infinite) need no branch.
    Value i = arith::SubIOp::create(r.b, r.bits(shifted), r.integer(0x4b400000));
    Value half = arith::ShRSIOp::create(r.b, i, r.integer(1));
    auto power = [&](Value exponent) -> Value {
      Value biased = arith::AddIOp::create(r.b, exponent, r.integer(127));
      return arith::BitcastOp::create(r.b, r.type, arith::ShLIOp::create(r.b, biased, r.integer(23)));
    };
    Value rest = arith::SubIOp::create(r.b, i, half);
    rewriter.replaceOp(op, r.mul(r.mul(p, power(half)), power(rest)));
    return success();
  }
};

struct LogPattern : OpRewritePattern<math::LogOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::LogOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Real r(rewriter, op);
    Value x = op.getOperand();
    // Denormals are scaled up; then x = m·2^e with m in [sqrt(1/2), sqrt(2)).
    Value isTiny = r.less(x, r.real(1.17549435e-38));
    Value scaled = r.select(isTiny, r.mul(x, r.real(8388608)), x);
    Value word = arith::SubIOp::create(r.b, r.bits(scaled), r.integer(0x3f3504f3));
    Value e = arith::SIToFPOp::create(r.b, r.type, arith::ShRSIOp::create(r.b, word, r.integer(23)));
    e = r.add(e, r.select(isTiny, r.real(-23), r.real(0)));
    Value mantissa = arith::AndIOp::create(r.b, word, r.integer(0x007fffff));
    mantissa = arith::AddIOp::create(r.b, mantissa, r.integer(0x3f3504f3));
    Value t = r.sub(arith::BitcastOp::create(r.b, r.type, mantissa), r.real(1));
    Value p = r.polynomial(t, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
                               1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
                               3.3333331174e-1});
    Value square = r.mul(t, t);
    Value y = r.mul(r.mul(t, square), p);
    y = r.fma(e, r.real(-2.12194440e-4), y);
    y = r.fma(square, r.real(-0.5), y);
    y = r.fma(e, r.real(0.693359375), r.add(t, y));
    Value zero = r.real(0), infinity = r.real(std::numeric_limits<double>::infinity());
    // log 0 = -inf, log inf = inf; below 0 and NaN: NaN.
    y = r.select(arith::CmpFOp::create(r.b, arith::CmpFPredicate::OEQ, x, infinity), x, y);
    y = r.select(arith::CmpFOp::create(r.b, arith::CmpFPredicate::UGE, x, zero), y,
                 r.real(std::numeric_limits<double>::quiet_NaN()));
    y = r.select(arith::CmpFOp::create(r.b, arith::CmpFPredicate::OEQ, x, zero),
                 r.real(-std::numeric_limits<double>::infinity()), y);
    y = r.select(arith::CmpFOp::create(r.b, arith::CmpFPredicate::UNO, x, x), x, y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

/// sin and cos: reduced by multiples of π/2 in f64 with a π/2 of 106 bits, so that f32 angles of millions
/// stay exact.
template <typename OpTy, bool isCosine> struct CirclePattern : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF32() && !element.isF64())
      return failure();
    Real r(rewriter, op);
    Type wide = r.b.getF64Type();
    Value x = op.getOperand();
    if (element.isF32())
      x = arith::ExtFOp::create(r.b, r.withElement(wide), x);
    Value magic = r.real(6755399441055744.0, wide); // 1.5·2^52
    Value shifted = r.fma(x, r.real(0.63661977236758134308, wide), magic);
    Value n = r.sub(shifted, magic);
    Value t = r.fma(n, r.real(-1.5707963267948966, wide), x);
    t = r.fma(n, r.real(-6.123233995736766e-17, wide), t);
    Value quadrant = r.bits(shifted, 64);
    if (isCosine)
      quadrant = arith::AddIOp::create(r.b, quadrant, r.integer(1, 64));
    Value z = r.mul(t, t);
    Value sine =
        r.polynomial(z, {1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
                         -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1});
    sine = r.fma(r.mul(t, z), sine, t);
    Value cosine = r.polynomial(z, {-1.13585365213876817300e-11, 2.08757008419747316778e-9,
                                    -2.75573141792967388112e-7, 2.48015872888517045348e-5,
                                    -1.38888888888730564116e-3, 4.16666666666665929218e-2, -0.5, 1.0});
    auto hasBit = [&](int64_t bit) -> Value {
      Value masked = arith::AndIOp::create(r.b, quadrant, r.integer(bit, 64));
      return arith::CmpIOp::create(r.b, arith::CmpIPredicate::ne, masked, r.integer(0, 64));
    };
    Value y = r.select(hasBit(1), cosine, sine);
    y = r.select(hasBit(2), arith::NegFOp::create(r.b, y), y);
    if (element.isF32())
      y = arith::TruncFOp::create(r.b, r.type, y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

struct RsqrtPattern : OpRewritePattern<math::RsqrtOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::RsqrtOp op, PatternRewriter &rewriter) const override {
    Real r(rewriter, op);
    Value root = math::SqrtOp::create(r.b, op.getOperand());
    rewriter.replaceOpWithNewOp<arith::DivFOp>(op, r.real(1), root);
    return success();
  }
};

} // namespace

void mlir::mlora::populateMathApproximationPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpPattern, LogPattern, CirclePattern<math::SinOp, false>, CirclePattern<math::CosOp, true>,
               RsqrtPattern>(patterns.getContext());
}
