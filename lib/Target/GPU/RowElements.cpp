//===- RowElements.cpp - eight elements of a row in a thread's registers --------------===//
//
// The same arithmetic as of blocks of rows (LowerKernelsRows.cpp), which explains it.

#include "RowElements.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::mlora;

Values RowElements::unpack(Value words) {
  Values values;
  for (int64_t i = 0; i < kCount / 2; ++i) {
    auto [low, high] = b.unpack(LLVM::ExtractElementOp::create(b, words, b.number(i)));
    values.append({low, high});
  }
  return values;
}

Value RowElements::pack(const Values &values) {
  Value words = LLVM::UndefOp::create(b, VectorType::get({kCount / 2}, b.getI32Type()));
  for (int64_t i = 0; i < kCount / 2; ++i)
    words = LLVM::InsertElementOp::create(b, words, b.pack(values[2 * i], values[2 * i + 1]), b.number(i));
  return words;
}

void RowElements::set(Value tensor, Value packed) {
  words[tensor] = packed;
  elements[tensor] = unpack(packed);
}

void RowElements::give(Value tensor, const Values &values) { set(tensor, pack(values)); }

//===- Sums along the row ---------------------------------------------------------------===//

unsigned RowElements::numSums(Operation *op) {
  return isa<RmsNormOp>(op) ? 1 : isa<RmsNormInputGradOp>(op) ? 2 : 0;
}

Values RowElements::sumsOf(Operation *op, ValueRange before) {
  Values sums(before);
  auto grad = dyn_cast<RmsNormInputGradOp>(op);
  const Values &x = of(grad ? grad.getInput() : cast<RmsNormOp>(op).getInput());
  for (int64_t i = 0; i < kCount; ++i) {
    sums[0] = b.add(sums[0], b.multiply(x[i], x[i]));
    if (grad)
      sums[1] =
          b.add(sums[1], b.multiply(b.multiply(of(grad.getCotangent())[i], of(grad.getWeight())[i]), x[i]));
  }
  return sums;
}

static Value inverseRoot(ThreadBuilder &b, Value squares, int64_t columns, const APFloat &eps) {
  Value mean = b.add(b.multiply(squares, b.real(1.0 / columns)), b.real(eps.convertToDouble()));
  return arith::DivFOp::create(b, b.real(1), math::SqrtOp::create(b, mean));
}

Values RowElements::factorsOf(ThreadBuilder &b, Operation *op, ValueRange sums) {
  auto columnsOf = [](Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); };
  if (auto norm = dyn_cast<RmsNormOp>(op))
    return {inverseRoot(b, sums[0], columnsOf(norm.getInput()), norm.getEps())};
  auto grad = cast<RmsNormInputGradOp>(op);
  int64_t columns = columnsOf(grad.getInput());
  Value rho = inverseRoot(b, sums[0], columns, grad.getEps());
  Value pull = b.multiply(b.multiply(rho, rho), b.multiply(rho, b.real(1.0 / columns)));
  return {rho, b.multiply(pull, sums[1])};
}

//===- Elements -------------------------------------------------------------------------===//

/// x · σ(g)
static Value gated(ThreadBuilder &b, Value x, Value g) {
  auto flags = arith::FastMathFlags::afn; // rounded to bf16 behind it
  Value e = math::ExpOp::create(b, b.negate(g), flags);
  return arith::DivFOp::create(b, x, b.add(b.real(1), e), flags);
}

void RowElements::compute(Operation *op, ValueRange factors) {
  auto each = [&](function_ref<Value(int64_t)> element) {
    Values values;
    for (int64_t i = 0; i < kCount; ++i)
      values.push_back(element(i));
    return values;
  };
  if (auto add = dyn_cast<AddOp>(op)) {
    const Values &x = of(add.getLhs()), &y = of(add.getRhs());
    give(add.getOutput(), each([&](int64_t i) { return b.add(x[i], y[i]); }));
  } else if (auto swiglu = dyn_cast<SwigluOp>(op)) {
    const Values &g = of(swiglu.getGate()), &u = of(swiglu.getUp());
    give(swiglu.getOutput(), each([&](int64_t i) { return gated(b, b.multiply(g[i], u[i]), g[i]); }));
  } else if (auto grad = dyn_cast<SwigluGradOp>(op)) {
    const Values &dy = of(grad.getCotangent()), &g = of(grad.getGate()), &u = of(grad.getUp());
    Values dUp;
    Values dGate = each([&](int64_t i) {
      Value sigma = gated(b, b.real(1), g[i]), dySigma = b.multiply(dy[i], sigma);
      Value slope = b.add(b.real(1), b.multiply(g[i], b.subtract(b.real(1), sigma)));
      dUp.push_back(b.multiply(dySigma, g[i]));
      return b.multiply(b.multiply(dySigma, u[i]), slope);
    });
    give(grad.getGateCotangent(), dGate);
    give(grad.getUpCotangent(), dUp);
  } else if (auto norm = dyn_cast<RmsNormOp>(op)) {
    const Values &x = of(norm.getInput()), &w = of(norm.getWeight());
    give(norm.getOutput(), each([&](int64_t i) { return b.multiply(b.multiply(x[i], factors[0]), w[i]); }));
  } else {
    auto normGrad = cast<RmsNormInputGradOp>(op);
    const Values &dy = of(normGrad.getCotangent()), &x = of(normGrad.getInput()),
                 &w = of(normGrad.getWeight());
    give(normGrad.getOutput(), each([&](int64_t i) {
           return b.subtract(b.multiply(factors[0], b.multiply(dy[i], w[i])), b.multiply(x[i], factors[1]));
         }));
  }
}
