//===- VectorJacobian.cpp - the vector-Jacobian product of each op ----------------===//
//
// Notation: dy is the cotangent of y. Operands are numbered as in the .td files. The formulas are those of
// the gradient ops.

#include "mlora/Dialect/Extents.h"
#include "mlora/Dialect/Names.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::mlora;

/// dx of `y = W x`, of elements as those of `like`: a cotangent has the type of its primal.
static Value inputGrad(OpBuilder &builder, Location loc, Value dy, Value weight, Value like) {
  int64_t rows = cast<RankedTensorType>(dy.getType()).getDimSize(0);
  int64_t in = cast<RankedTensorType>(weight.getType()).getDimSize(1);
  auto type = cast<RankedTensorType>(like.getType()).clone(ArrayRef<int64_t>{rows, in});
  return LinearInputGradOp::create(builder, loc, type, dy, weight);
}

/// A sum over tokens: the gradient of `like`.
static Value tokenOuter(OpBuilder &builder, Location loc, Value like, Value lhs, Value rhs,
                        int64_t first = 0) {
  return TokenOuterOp::create(builder, loc, like.getType(), lhs, rhs, first);
}

LogicalResult EmbeddingOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                    MutableArrayRef<Value> grads) {
  if (wanted[1])
    grads[1] =
        EmbeddingWeightGradOp::create(builder, getLoc(), getTable().getType(), cotangents[0], getIds());
  return success();
}

LogicalResult LinearOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                 MutableArrayRef<Value> grads) {
  if (wanted[0])
    grads[0] = inputGrad(builder, getLoc(), cotangents[0], getWeight(), getInput());
  if (wanted[1])
    grads[1] = tokenOuter(builder, getLoc(), getWeight(), cotangents[0], getInput());
  return success();
}

LogicalResult RmsNormOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                  MutableArrayRef<Value> grads) {
  if (wanted[0])
    grads[0] = RmsNormInputGradOp::create(builder, getLoc(), getInput().getType(), cotangents[0], getInput(),
                                          getWeight(), getEpsAttr());
  if (wanted[1]) {
    Type element = getInput().getType().getElementType();
    auto perRow = RankedTensorType::get({getInput().getType().getDimSize(0)},
                                        element.isBF16() ? builder.getF32Type() : element);
    Value scale = RmsNormScaleOp::create(builder, withName(getLoc(), "rho"), perRow, getInput(), getEpsAttr());
    grads[1] = RmsNormWeightGradOp::create(builder, getLoc(), getWeight().getType(), cotangents[0], getInput(),
                                           scale);
  }
  return success();
}

/// The angles are functions of positions alone.
bool RopeOp::isOperandDifferentiable(unsigned index) { return index == 0; }

LogicalResult RopeOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                               MutableArrayRef<Value> grads) {
  // A rotation's transpose is its inverse.
  grads[0] = RopeOp::create(builder, getLoc(), getInput().getType(), cotangents[0], getTable(), getHeads(),
                            !getInverse());
  return success();
}

LogicalResult AttentionOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                    MutableArrayRef<Value> grads) {
  if (cotangents[1])
    return emitOpError("has no derivative of its lse");
  if (getAt())
    return emitOpError("with cached keys has no derivative");
  Value q = getQuery(), k = getKey(), v = getValue(), dO = cotangents[0];
  if (wanted[0])
    grads[0] = AttentionQueryGradOp::create(builder, getLoc(), q.getType(), dO, q, k, v, getOutput(),
                                            getLse(), getDocumentStart(), getHeads(), getKvHeads());
  if (!wanted[1] && !wanted[2])
    return success();
  auto grad =
      AttentionKeyValueGradOp::create(builder, getLoc(), TypeRange{k.getType(), v.getType()}, dO, q, k, v,
                                      getOutput(), getLse(), getDocumentStart(), getHeads(), getKvHeads());
  if (wanted[1])
    grads[1] = grad.getKeyCotangent();
  if (wanted[2])
    grads[2] = grad.getValueCotangent();
  return success();
}

LogicalResult SwigluOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                 MutableArrayRef<Value> grads) {
  auto grad = SwigluGradOp::create(builder, getLoc(), TypeRange{getGate().getType(), getUp().getType()},
                                   cotangents[0], getGate(), getUp());
  for (unsigned i : wanted.set_bits())
    grads[i] = grad->getResult(i);
  return success();
}

LogicalResult AddOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                              MutableArrayRef<Value> grads) {
  for (unsigned i : wanted.set_bits())
    grads[i] = cotangents[0];
  return success();
}

LogicalResult GatherRowsOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                     MutableArrayRef<Value> grads) {
  grads[0] =
      ScatterRowsOp::create(builder, getLoc(), getInput().getType(), cotangents[0], getRows(), getInput());
  return success();
}

LogicalResult CrossEntropyOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                       MutableArrayRef<Value> grads) {
  if (cotangents[1])
    return emitOpError("has no derivative of its lse");
  if (wanted[0])
    grads[0] = CrossEntropyInputGradOp::create(builder, getLoc(), getInput().getType(), cotangents[0],
                                               getInput(), getWeight(), getTargets(), getLse());
  if (wanted[1])
    grads[1] = CrossEntropyWeightGradOp::create(builder, getLoc(), getWeight().getType(), cotangents[0],
                                                getInput(), getWeight(), getTargets(), getLse());
  return success();
}

LogicalResult SumOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                              MutableArrayRef<Value> grads) {
  // Only the number of rows is read: the losses need not be there.
  grads[0] = SpreadOp::create(builder, getLoc(), getInput().getType(), cotangents[0], rowsSource(getInput()));
  return success();
}

/// s `[out]` as a matrix `[out, 1]`: what the stacked ops read for one branch.
static Value asColumn(OpBuilder &builder, Location loc, Value s) {
  if (!s)
    return {};
  auto type = cast<RankedTensorType>(s.getType());
  return tensor::ExpandShapeOp::create(builder, loc, type.clone(ArrayRef<int64_t>{type.getDimSize(0), 1}), s,
                                       ArrayRef<ReassociationIndices>{{0, 1}});
}

LogicalResult BranchOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                 MutableArrayRef<Value> grads) {
  Value dy = cotangents[0], column = asColumn(builder, getLoc(), getS());
  bool wantsS = getS() && wanted[4];
  if (wanted[0])
    grads[0] = dy;
  if (wanted[1] || wanted[2]) { // u = B̃ᵀ dy
    Value up =
        StackUpOp::create(builder, getLoc(), getB().getType(), getB(), column, getAlphaAttr(), IntegerAttr());
    Value u = inputGrad(builder, getLoc(), dy, up, getInput());
    if (wanted[1])
      grads[1] = inputGrad(builder, getLoc(), u, getA(), getInput());
    if (wanted[2])
      grads[2] = tokenOuter(builder, getLoc(), getA(), u, getInput());
  }
  if (wanted[3] || wantsS) { // G = dy mᵀ with m = A x
    auto type = getInput().getType();
    Value m = LinearOp::create(
        builder, getLoc(), type.clone(ArrayRef<int64_t>{type.getDimSize(0), getRank()}), getInput(), getA());
    SmallVector<Type> types{getB().getType()};
    if (column)
      types.push_back(column.getType());
    auto grad = StackUpGradOp::create(builder, getLoc(), types, tokenOuter(builder, getLoc(), getB(), dy, m),
                                      getB(), column, getAlphaAttr(), IntegerAttr());
    if (wanted[3])
      grads[3] = grad.getDb();
    if (wantsS)
      grads[4] = tensor::CollapseShapeOp::create(builder, getLoc(), getS().getType(), grad.getDs(),
                                                 ArrayRef<ReassociationIndices>{{0, 1}});
  }
  return success();
}

LogicalResult StackUpOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                  MutableArrayRef<Value> grads) {
  SmallVector<Type> types(getOperandTypes());
  auto grad = StackUpGradOp::create(builder, getLoc(), types, cotangents[0], getB(), getS(), getAlphaAttr(),
                                    getRankAttr());
  for (unsigned i : wanted.set_bits())
    grads[i] = grad->getResult(i);
  return success();
}

LogicalResult AdaptedLinearOp::buildVJP(OpBuilder &builder, ValueRange cotangents, const BitVector &wanted,
                                        MutableArrayRef<Value> grads) {
  ValueRange dys = cotangents.drop_back();
  if (cotangents.back())
    return emitOpError("has no derivative of its m");
  if (llvm::is_contained(dys, Value()))
    return emitOpError("has an output that nothing reads: its group has no derivative");
  unsigned layers = getWeights().size(), firstUp = 1 + layers, down = firstUp + getUps().size();
  if (wanted[0] || wanted[down]) {
    Type uType = getMid().getType(), dxType = wanted[0] ? getInput().getType() : Type();
    auto grad = AdaptedLinearInputGradOp::create(builder, getLoc(), dxType, uType, dys, getWeights(),
                                                 getUps(), getDown());
    grads[0] = grad.getInputCotangent();
    if (wanted[down])
      grads[down] = tokenOuter(builder, getLoc(), getDown(), grad.getMidCotangent(), getInput());
  }
  int64_t first = 0; // o_j
  for (unsigned j = 0; j < layers; ++j) {
    Value up = getUps()[j];
    if (wanted[1 + j])
      grads[1 + j] = tokenOuter(builder, getLoc(), getWeights()[j], dys[j], getInput());
    if (wanted[firstUp + j])
      grads[firstUp + j] = tokenOuter(builder, getLoc(), up, dys[j], getMid(), first);
    first += cast<RankedTensorType>(up.getType()).getDimSize(1);
  }
  return success();
}
