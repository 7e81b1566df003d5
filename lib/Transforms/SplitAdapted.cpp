//===- SplitAdapted.cpp - adapted groups to linear layers and sums -----------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Transforms/Passes.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_SPLITADAPTED
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

/// m = Ã x, y_j = W_j x + B̃_j m_j
void split(AdaptedLinearOp op) {
  OpBuilder b(op);
  Location plain = withoutNames(op.getLoc());
  Value x = op.getInput();
  Value m = LinearOp::create(b, namedAs(op.getMid()), op.getMid().getType(), x, op.getDown());
  op.getMid().replaceAllUsesWith(m);
  int64_t from = 0;
  for (auto [weight, up, output] : llvm::zip_equal(op.getWeights(), op.getUps(), op.getOutputs())) {
    auto type = cast<RankedTensorType>(m.getType());
    int64_t columns = cast<RankedTensorType>(up.getType()).getDimSize(1);
    auto part = type.clone(ArrayRef<int64_t>{type.getDimSize(0), columns});
    Value own = WindowOp::create(b, plain, part, m, ArrayRef<int64_t>{0, from});
    Value base = LinearOp::create(b, plain, output.getType(), x, weight);
    Value low = LinearOp::create(b, plain, output.getType(), own, up);
    output.replaceAllUsesWith(AddOp::create(b, namedAs(output), output.getType(), base, low));
    from += columns;
  }
  op.erase();
}

struct SplitAdaptedPass : mlir::mlora::impl::SplitAdaptedBase<SplitAdaptedPass> {
  void runOnOperation() override {
    SmallVector<AdaptedLinearOp> all;
    getOperation().walk([&](AdaptedLinearOp op) { all.push_back(op); });
    llvm::for_each(all, split);
  }
};

} // namespace
