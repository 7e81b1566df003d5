//===- RewriteAsyncIntrinsics.cpp - llvm.nvvm.* of what threads wait for ---------------===//
//
// The same calls of the machine as those of the nvvm ops (RewriteNVVM.cpp, RewriteHopper.cpp), for kernels
// that name the intrinsics themselves.

#include "KernelRewriter.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

static bool is8x8OfB16(StringRef suffix) {
  suffix.consume_front(".trans");
  return suffix == ".b16" || suffix.starts_with(".b16.p");
}

std::optional<LogicalResult> KernelRewriter::rewriteAsyncIntrinsic(LLVM::CallIntrinsicOp op, StringRef name) {
  Builder b(op.getLoc(), op);
  auto arguments = llvm::to_vector(op.getArgs());
  auto number = [&](int64_t value) { return constant(b, value); };
  auto replace = [&](Emulated operation, ArrayRef<Value> values) -> std::optional<LogicalResult> {
    return replaceByCall(op, operation, values);
  };
  auto is = [&](ArrayRef<StringRef> names) { return llvm::is_contained(names, name); };
  // (...) -> a state or nothing
  auto arrive = [&](Value count, Value bytes, bool drops, bool relaxed,
                    bool mayComplete = true) -> std::optional<LogicalResult> {
    auto slots = call(b, Emulated::MbarrierArrive, op,
                      {arguments[0], count, bytes, number(drops), number(relaxed), number(mayComplete)}, 1);
    if (op->getNumResults())
      op->getResult(0).replaceAllUsesWith(slots[0]);
    op.erase();
    return success();
  };

  if (StringRef rest = name; rest.consume_front("mbarrier.")) {
    bool isRelaxed = rest.contains(".relaxed");
    auto starts = [&](StringRef prefix) { return rest.starts_with(prefix); };
    // With a scope they are sm_90's, with a count or bytes as second argument.
    bool hasScope = rest.contains(".scope.");
    if (starts("init"))
      return replace(Emulated::MbarrierInit, {arguments[0], arguments[1]});
    if (starts("inval"))
      return replace(Emulated::MbarrierInval, {arguments[0]});
    if (starts("expect.tx"))
      return replace(Emulated::MbarrierExpectTx, {arguments[0], arguments[1]});
    if (starts("complete.tx"))
      return replace(Emulated::MbarrierCompleteTx, {arguments[0], arguments[1]});
    if (starts("arrive.drop.expect.tx") || starts("arrive.expect.tx"))
      return arrive(number(1), arguments[1], starts("arrive.drop"), isRelaxed);
    if (starts("arrive.drop.noComplete") || starts("arrive.noComplete"))
      return arrive(arguments[1], number(0), starts("arrive.drop"), false, /*mayComplete=*/false);
    if (starts("arrive"))
      return arrive(hasScope ? arguments[1] : number(1), number(0), starts("arrive.drop"), isRelaxed);
    if (starts("test.wait") || starts("try.wait")) {
      enum { Looks = 0, GivesUp = 2 };
      return replace(Emulated::MbarrierWait,
                     {arguments[0], arguments[1], number(arguments[1].getType().isInteger(64)),
                      number(starts("test") ? Looks : GivesUp), number(isRelaxed)});
    }
    return std::nullopt;
  }
  if (StringRef rest = name; rest.consume_front("cp.async.mbarrier.arrive"))
    return replace(Emulated::CpAsyncMbarrierArrive, {arguments[0], number(rest.starts_with(".noinc"))});
  if (StringRef rest = name; (rest.consume_front("cp.async.ca.shared.global.") ||
                              rest.consume_front("cp.async.cg.shared.global."))) {
    unsigned bytes;
    if (rest.split('.').first.getAsInteger(10, bytes))
      return std::nullopt;
    return replace(Emulated::CpAsync, {arguments[0], arguments[1], number(bytes),
                                       arguments.size() > 2 ? arguments[2] : number(bytes)});
  }
  if (name == "cp.async.bulk.commit.group")
    return replace(Emulated::BulkCommit, {});
  if (is({"cp.async.bulk.wait.group", "cp.async.bulk.wait.group.read"}))
    return replace(Emulated::BulkWait, {arguments[0], number(name.ends_with(".read"))});
  if (name == "fence.mbarrier_init.release.cluster")
    return replace(Emulated::FenceMbarrierInit, {});
  if (name == "fence.sc.cluster")
    return replace(Emulated::Fence, {number(1)});
  if (StringRef rest = name; rest.consume_front("barrier.cluster.")) {
    Value isAligned = number(rest.ends_with(".aligned"));
    if (rest.starts_with("wait"))
      return replace(Emulated::ClusterWait, {isAligned});
    return replace(Emulated::ClusterArrive, {number(rest.contains("relaxed")), isAligned});
  }
  if (name == "wgmma.fence.sync.aligned")
    return replace(Emulated::WgmmaFence, {});
  if (name == "wgmma.commit_group.sync.aligned")
    return replace(Emulated::WgmmaCommit, {});
  if (name == "wgmma.wait_group.sync.aligned")
    return replace(Emulated::WgmmaWait, {arguments[0]});
  if (is({"setmaxnreg.inc.sync.aligned.u32", "setmaxnreg.dec.sync.aligned.u32"}))
    return replace(Emulated::SetMaxRegisters, {arguments[0], number(name.contains(".inc."))});
  if (StringRef rest = name; rest.consume_front("redux.sync.")) {
    int64_t kind = llvm::StringSwitch<int64_t>(rest)
                       .Case("add", 1)
                       .Case("and", 2)
                       .Case("max", 3)
                       .Case("min", 4)
                       .Case("or", 5)
                       .Case("umax", 6)
                       .Case("umin", 7)
                       .Case("xor", 8)
                       .Default(0);
    if (!kind)
      return std::nullopt;
    return replace(Emulated::Redux, {number(kind), number(0), arguments[1], arguments[0]});
  }
  if (name == "elect.sync") { // -> {the leader's lane, is this lane the leader}
    auto slots = call(b, Emulated::Elect, op, {arguments[0]}, 2);
    op->getResult(0).replaceAllUsesWith(packStruct(b, op->getResult(0).getType(), {slots[1], slots[0]}));
    op.erase();
    return success();
  }
  if (is({"match.any.sync.i32", "match.any.sync.i64"}))
    return replace(Emulated::Match, {number(0), arguments[0], arguments[1]});
  if (is({"match.all.sync.i32p", "match.all.sync.i64p"}))
    return replace(Emulated::Match, {number(1), arguments[0], arguments[1]});
  if (StringRef rest = name; rest.consume_front("ldmatrix.sync.aligned.m8n8.x")) {
    unsigned count;
    if (rest.consumeInteger(10, count) || !is8x8OfB16(rest))
      return std::nullopt;
    return replace(Emulated::LdMatrix, {number(count), number(rest.starts_with(".trans")), arguments[0]});
  }
  if (StringRef rest = name; rest.consume_front("stmatrix.sync.aligned.m8n8.x")) {
    unsigned count;
    if (rest.consumeInteger(10, count) || !is8x8OfB16(rest))
      return std::nullopt;
    SmallVector<Value> values = {number(count), number(rest.starts_with(".trans")), arguments[0]};
    llvm::append_range(values, llvm::drop_begin(arguments));
    return replace(Emulated::StMatrix, values);
  }
  if (name == "nanosleep")
    return replace(Emulated::Yield, {});
  if (name == "exit")
    return replace(Emulated::Exit, {});
  return std::nullopt;
}
