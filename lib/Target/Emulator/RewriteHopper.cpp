//===- RewriteHopper.cpp - nvvm ops of sm_90 to calls of the machine --------------------===//

#include "KernelRewriter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

LogicalResult KernelRewriter::rewriteHopper(Operation *op) {
  Builder b(op->getLoc(), op);
  auto number = [&](int64_t value) { return constant(b, value); };
  auto orOne = [&](Value count) { return count ? count : number(1); };
  // One slot comes back, whether or not the op has a result for it.
  auto arrive = [&](Value address, Value count, Value bytes, bool drops, bool relaxed, Value predicate = {}) {
    guard(op, predicate);
    b.setInsertionPoint(op);
    auto slots =
        call(b, Emulated::MbarrierArrive, op, {address, count, bytes, number(drops), number(relaxed)}, 1);
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
        return arrive(arriveOp.getAddr(), arriveOp.getCount(), number(0), false, false);
      })
      .Case([&](NVVM::MBarrierArriveDropNocompleteOp drop) {
        return arrive(drop.getAddr(), drop.getCount(), number(0), true, false);
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
        auto type = product.getTypeA();
        auto shape = product.getShape();
        if ((type != NVVM::WGMMATypes::bf16 && type != NVVM::WGMMATypes::f16) || product.getTypeB() != type ||
            product.getTypeD() != NVVM::WGMMATypes::f32 || shape.getM() != 64 || shape.getK() != 16)
          return notBuilt(op, "anything but m64nNk16 of bf16 or f16 with f32 accumulators");
        auto sign = [&](NVVM::WGMMAScaleIn scale) {
          return number(scale == NVVM::WGMMAScaleIn::neg ? -1 : 1);
        };
        SmallVector<Value> values = {
            number(shape.getN()), number(type == NVVM::WGMMATypes::f16),
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
