//===- AllReduce.cpp - gpu.all_reduce without races ------------------------------------===//
//
// Upstream's pattern has lanes read a word of shared memory and others write it with only shuffles in
// between, which order no memory, and nothing between the result's read and the next use of the same op. Here
// each thread's value goes through shared memory, a warp's sum and then the block's, with barriers between.

#include "KernelRewriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace {

class AllReduce {
public:
  AllReduce(gpu::AllReduceOp op, Value buffer)
      : op(op), buffer(buffer), b(op.getLoc(), op), lanes(index(32)), zero(index(0)), one(index(1)) {}

  void run() {
    Value id = linear(), count = size();
    Value first = arith::MulIOp::create(b, arith::DivUIOp::create(b, id, lanes), lanes);
    Value end = arith::MinUIOp::create(b, arith::AddIOp::create(b, first, lanes), count);
    memref::StoreOp::create(b, op.getValue(), buffer, id);
    gpu::BarrierOp::create(b);
    Value ofWarp = reduce(first, end, one);
    gpu::BarrierOp::create(b);
    memref::StoreOp::create(b, ofWarp, buffer, id);
    gpu::BarrierOp::create(b);
    Value all = reduce(zero, count, lanes);
    gpu::BarrierOp::create(b); // the buffer may be used again
    op.replaceAllUsesWith(all);
    op.erase();
  }

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value linear() {
    Value id = gpu::ThreadIdOp::create(b, gpu::Dimension::z);
    for (auto dimension : {gpu::Dimension::y, gpu::Dimension::x})
      id = arith::AddIOp::create(b, arith::MulIOp::create(b, id, gpu::BlockDimOp::create(b, dimension)),
                                 gpu::ThreadIdOp::create(b, dimension));
    return id;
  }
  Value size() {
    Value count = gpu::BlockDimOp::create(b, gpu::Dimension::x);
    for (auto dimension : {gpu::Dimension::y, gpu::Dimension::z})
      count = arith::MulIOp::create(b, count, gpu::BlockDimOp::create(b, dimension));
    return count;
  }
  /// Of the buffer's elements from `first` to before `end`, a step apart.
  Value reduce(Value first, Value end, Value step) {
    Value start = memref::LoadOp::create(b, buffer, first);
    auto loop = scf::ForOp::create(b, arith::AddIOp::create(b, first, step), end, step, start);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value next = memref::LoadOp::create(b, buffer, loop.getInductionVar());
    scf::YieldOp::create(b, combine(loop.getRegionIterArg(0), next));
    return loop.getResult(0);
  }
  Value combine(Value x, Value y) {
    if (op.getOp()) // the two enumerations have the same numbers
      return vector::makeArithReduction(b, b.getLoc(), static_cast<vector::CombiningKind>(*op.getOp()), x, y);
    IRMapping mapping;
    Block &body = op.getBody().front();
    mapping.map(body.getArgument(0), x);
    mapping.map(body.getArgument(1), y);
    for (Operation &inner : body.without_terminator())
      b.clone(inner, mapping);
    return mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
  }

  gpu::AllReduceOp op;
  Value buffer;
  ImplicitLocOpBuilder b;
  Value lanes, zero, one;
};

} // namespace

void mlir::mlora::expandAllReduces(ModuleOp module) {
  SmallVector<gpu::AllReduceOp> ops;
  module.walk([&](gpu::AllReduceOp op) {
    auto function = op->getParentOfType<gpu::GPUFuncOp>();
    bool isSimple = op.getOp() || op.getBody().hasOneBlock();
    if (function && isSimple)
      ops.push_back(op);
  });
  constexpr int64_t mostThreads = 1024;
  for (gpu::AllReduceOp op : ops) {
    auto space = gpu::AddressSpaceAttr::get(op.getContext(), gpu::AddressSpace::Workgroup);
    auto type = MemRefType::get({mostThreads}, op.getType(), MemRefLayoutAttrInterface(), space);
    Value buffer = op->getParentOfType<gpu::GPUFuncOp>().addWorkgroupAttribution(type, op.getLoc());
    AllReduce(op, buffer).run();
  }
}
