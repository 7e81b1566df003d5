//===- RewriteHopper.cpp - nvvm ops of sm_90 to calls of the machine --------------------===//

#include "KernelRewriter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {
/// An operand's type: its number for the machine (runtime/emulator/Operations.h).
struct ProductType {
  int64_t number;
  unsigned bits;
  bool isInteger;
};
} // namespace

static std::optional<ProductType> productType(NVVM::WGMMATypes type) {
  switch (type) {
  case NVVM::WGMMATypes::bf16:
    return ProductType{0, 16, false};
  case NVVM::WGMMATypes::f16:
    return ProductType{1, 16, false};
  case NVVM::WGMMATypes::tf32:
    return ProductType{2, 32, false};
  case NVVM::WGMMATypes::s8:
    return ProductType{3, 8, true};
  case NVVM::WGMMATypes::u8:
    return ProductType{4, 8, true};
  case NVVM::WGMMATypes::e4m3:
    return ProductType{5, 8, false};
  case NVVM::WGMMATypes::e5m2:
    return ProductType{6, 8, false};
  default:
    return {};
  }
}

LogicalResult KernelRewriter::rewriteHopper(Operation *op) {
  Builder b(op->getLoc(), op);
  auto number = [&](int64_t value) { return constant(b, value); };
  auto orOne = [&](Value count) { return count ? count : number(1); };
  // One slot comes back, whether or not the op has a result for it.
  auto arrive = [&](Value address, Value count, Value bytes, bool drops, bool relaxed, Value predicate = {},
                    bool mayComplete = true) {
    guard(op, predicate);
    b.setInsertionPoint(op);
    auto slots = call(b, Emulated::MbarrierArrive, op,
                      {address, count, bytes, number(drops), number(relaxed), number(mayComplete)}, 1);
    if (op->getNumResults())
      op->getResult(0).replaceAllUsesWith(slots[0]);
    op->erase();
    return success();
  };
  enum { Looks = 0, Blocks = 1, GivesUp = 2 };
  auto wait = [&](Value address, Value parityOrState, int how, bool relaxed) {
    bool isState = parityOrState.getType().isInteger(64);
    auto slots = call(b, Emulated::MbarrierWait, op,
                      {address, parityOrState, number(isState), number(how), number(relaxed)}, 1);
    if (op->getNumResults())
      op->getResult(0).replaceAllUsesWith(fromSlot(b, slots[0], b.getI1Type()));
    op->erase();
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::MBarrierInitOp init) {
        Value address = init.getAddr(), count = init.getCount();
        guard(op, init.getPredicate());
        return replaceByCall(op, Emulated::MbarrierInit, {address, count});
      })
      .Case([&](NVVM::MBarrierInvalOp inval) {
        return replaceByCall(op, Emulated::MbarrierInval, {inval.getAddr()});
      })
      .Case([&](NVVM::MBarrierExpectTxOp expect) {
        return replaceByCall(op, Emulated::MbarrierExpectTx, {expect.getAddr(), expect.getTxcount()});
      })
      .Case([&](NVVM::MBarrierCompleteTxOp complete) {
        return replaceByCall(op, Emulated::MbarrierCompleteTx, {complete.getAddr(), complete.getTxcount()});
      })
      .Case([&](NVVM::MBarrierArriveOp arriveOp) {
        return arrive(arriveOp.getAddr(), orOne(arriveOp.getCount()), number(0), false,
                      arriveOp.getRelaxed());
      })
      .Case([&](NVVM::MBarrierArriveDropOp drop) {
        return arrive(drop.getAddr(), orOne(drop.getCount()), number(0), true, drop.getRelaxed());
      })
      .Case([&](NVVM::MBarrierArriveNocompleteOp arriveOp) {
        return arrive(arriveOp.getAddr(), arriveOp.getCount(), number(0), false, false, /*predicate=*/{},
                      /*mayComplete=*/false);
      })
      .Case([&](NVVM::MBarrierArriveDropNocompleteOp drop) {
        return arrive(drop.getAddr(), drop.getCount(), number(0), true, false, /*predicate=*/{},
                      /*mayComplete=*/false);
      })
      .Case([&](NVVM::MBarrierArriveExpectTxOp arriveOp) {
        return arrive(arriveOp.getAddr(), number(1), arriveOp.getTxcount(), false, arriveOp.getRelaxed(),
                      arriveOp.getPredicate());
      })
      .Case([&](NVVM::MBarrierArriveDropExpectTxOp drop) {
        return arrive(drop.getAddr(), number(1), drop.getTxcount(), true, drop.getRelaxed());
      })
      .Case([&](NVVM::MBarrierTryWaitParityOp waitOp) { // PTX's loop around it is part of the op
        return wait(waitOp.getAddr(), waitOp.getPhase(), Blocks, false);
      })
      .Case([&](NVVM::MBarrierTryWaitOp waitOp) {
        return wait(waitOp.getAddr(), waitOp.getStateOrPhase(), GivesUp, waitOp.getRelaxed());
      })
      .Case([&](NVVM::MBarrierTestWaitOp waitOp) {
        return wait(waitOp.getAddr(), waitOp.getStateOrPhase(), Looks, waitOp.getRelaxed());
      })
      .Case([&](NVVM::CpAsyncMBarrierArriveOp arriveOp) {
        return replaceByCall(op, Emulated::CpAsyncMbarrierArrive,
                             {arriveOp.getAddr(), number(arriveOp.getNoinc())});
      })
      .Case([&](NVVM::ClusterArriveOp arriveOp) { // a cluster is one block
        return replaceByCall(op, Emulated::ClusterArrive, {number(0), number(bool(arriveOp.getAligned()))});
      })
      .Case([&](NVVM::ClusterArriveRelaxedOp arriveOp) {
        return replaceByCall(op, Emulated::ClusterArrive, {number(1), number(bool(arriveOp.getAligned()))});
      })
      .Case([&](NVVM::ClusterWaitOp waitOp) {
        return replaceByCall(op, Emulated::ClusterWait, {number(bool(waitOp.getAligned()))});
      })
      .Case([&](NVVM::FenceMbarrierInitOp) { return replaceByCall(op, Emulated::FenceMbarrierInit, {}); })
      .Case([&](NVVM::FenceProxyOp fence) {
        switch (fence.getKind()) {
        case NVVM::ProxyKind::async:
        case NVVM::ProxyKind::async_shared:
        case NVVM::ProxyKind::async_global:
          return replaceByCall(op, Emulated::FenceProxyAsync,
                               {number(fence.getKind() != NVVM::ProxyKind::async_global),
                                number(fence.getKind() != NVVM::ProxyKind::async_shared)});
        case NVVM::ProxyKind::alias: // no two addresses here are of the same memory
          return replaceByCall(op, Emulated::Fence, {number(0)});
        default:
          return notBuilt(op, "of other proxies than async");
        }
      })
      .Case<NVVM::FenceProxyAcquireOp, NVVM::FenceProxyReleaseOp>([&](auto) {
        // Of tensor maps that a kernel changes: no op here does.
        return replaceByCall(op, Emulated::Fence, {number(0)});
      })
      .Case([&](NVVM::SetMaxRegisterOp set) {
        return replaceByCall(
            op, Emulated::SetMaxRegisters,
            {number(set.getRegCount()), number(set.getAction() == NVVM::SetMaxRegisterAction::increase)});
      })
      .Case([&](NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp load) {
        if (!load.getIm2colOffsets().empty() || load.getMulticastMask() ||
            load.getMode() != NVVM::TMALoadMode::TILE)
          return notBuilt(op, "im2col, gather and multicast");
        SmallVector<Value> values = {load.getDstMem(), load.getTmaDescriptor(), load.getMbar(),
                                     number(load.getCoordinates().size())};
        llvm::append_range(values, load.getCoordinates());
        guard(op, load.getPredicate());
        return replaceByCall(op, Emulated::TensorLoad, values);
      })
      .Case([&](NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp store) {
        if (store.getMode() != NVVM::TMAStoreMode::TILE)
          return notBuilt(op, "im2col and scatter");
        SmallVector<Value> values = {store.getSrcMem(), store.getTmaDescriptor(),
                                     number(store.getCoordinates().size())};
        llvm::append_range(values, store.getCoordinates());
        guard(op, store.getPredicate());
        return replaceByCall(op, Emulated::TensorStore, values);
      })
      .Case([&](NVVM::CpAsyncBulkGlobalToSharedClusterOp load) {
        if (load.getMulticastMask())
          return notBuilt(op, "multicast");
        return replaceByCall(op, Emulated::BulkLoad,
                             {load.getDstMem(), load.getSrcMem(), load.getMbar(), load.getSize()});
      })
      .Case([&](NVVM::CpAsyncBulkSharedCTAToGlobalOp store) {
        if (store.getByteMask())
          return notBuilt(op, "a byte mask");
        return replaceByCall(op, Emulated::BulkStore,
                             {store.getDstMem(), store.getSrcMem(), store.getSize()});
      })
      .Case([&](NVVM::CpAsyncBulkCommitGroupOp) { return replaceByCall(op, Emulated::BulkCommit, {}); })
      .Case([&](NVVM::CpAsyncBulkWaitGroupOp waitOp) {
        return replaceByCall(op, Emulated::BulkWait,
                             {number(waitOp.getGroup()), number(bool(waitOp.getRead()))});
      })
      .Case<NVVM::PrefetchOp, NVVM::CpAsyncBulkTensorPrefetchOp, NVVM::CpAsyncBulkPrefetchOp>(
          [&](auto) { // a hint
            op->erase();
            return success();
          })
      .Case([&](NVVM::WgmmaFenceAlignedOp) { return replaceByCall(op, Emulated::WgmmaFence, {}); })
      .Case([&](NVVM::WgmmaGroupSyncAlignedOp) { return replaceByCall(op, Emulated::WgmmaCommit, {}); })
      .Case([&](NVVM::WgmmaWaitGroupSyncOp waitOp) {
        return replaceByCall(op, Emulated::WgmmaWait, {number(waitOp.getGroup())});
      })
      .Case([&](NVVM::WgmmaMmaAsyncOp product) {
        auto shape = product.getShape();
        std::optional<ProductType> a = productType(product.getTypeA()), c = productType(product.getTypeB());
        enum { F32, F16, S32, SaturatingS32 }; // as the machine counts them (runtime/emulator/Operations.h)
        bool isInteger = product.getTypeD() == NVVM::WGMMATypes::s32;
        int64_t sums = !isInteger ? F32 : product.getSatfinite() ? SaturatingS32 : S32;
        bool isTransposed =
            product.getLayoutA() == NVVM::MMALayout::col || product.getLayoutB() == NVVM::MMALayout::row;
        if (!a || !c || a->bits != c->bits || a->isInteger != c->isInteger || a->isInteger != isInteger ||
            (a->bits > 8 && a->number != c->number) || (isTransposed && a->bits != 16) ||
            (!isInteger && product.getTypeD() != NVVM::WGMMATypes::f32) || shape.getM() != 64 ||
            shape.getK() * a->bits != 256)
          return notBuilt(op,
                          "anything but m64nNk16 of bf16 or f16, m64nNk8 of tf32 and m64nNk32 of e4m3 and "
                          "e5m2 with f32 accumulators, and m64nNk32 of s8 and u8 with s32 ones");
        auto sign = [&](NVVM::WGMMAScaleIn scale) {
          return number(scale == NVVM::WGMMAScaleIn::neg ? -1 : 1);
        };
        SmallVector<Value> values = {
            number(shape.getN()), number(a->number), number(c->number), number(sums),
            number(product.getScaleD() == NVVM::WGMMAScaleOut::one), sign(product.getScaleA()),
            sign(product.getScaleB()), number(product.getLayoutA() == NVVM::MMALayout::col),
            // B is K-major where its layout is col: it is K x N, and a column of it is contiguous.
            number(product.getLayoutB() == NVVM::MMALayout::row), product.getDescriptorA(),
            product.getDescriptorB()};
        llvm::append_range(values, unpackStruct(b, product.getInouts()));
        return replaceByCall(op, Emulated::Wgmma, values);
      })
      .Default([&](Operation *) { return notBuilt(op); });
}
