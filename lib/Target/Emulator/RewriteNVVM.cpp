//===- RewriteNVVM.cpp - nvvm ops to calls of the machine ------------------------------===//

#include "KernelRewriter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

std::optional<SpecialRegister> mlir::mlora::findRegister(StringRef name) {
  static const llvm::StringMap<SpecialRegister> registers = {
#define MLORA_SPECIAL_REGISTER(name, ptx) {ptx, SpecialRegister::name},
#include "mlora/Runtime/Emulator/SpecialRegisters.def"
      // A cluster is one block.
      {"clusterid.x", SpecialRegister::CtaidX},   {"clusterid.y", SpecialRegister::CtaidY},
      {"clusterid.z", SpecialRegister::CtaidZ},   {"nclusterid.x", SpecialRegister::NctaidX},
      {"nclusterid.y", SpecialRegister::NctaidY}, {"nclusterid.z", SpecialRegister::NctaidZ},
  };
  auto found = registers.find(name);
  return found == registers.end() ? std::nullopt : std::optional(found->second);
}

/// c + Σ a_i · b_i: elements of a, and as many of b from `first` on, each widened as its type says.
static Value dotProduct(ImplicitLocOpBuilder &b, Value a, NVVM::DotAccumulateType aType, Value c,
                        NVVM::DotAccumulateType cType, int64_t first, Value sum) {
  auto element = [&](Value vector, NVVM::DotAccumulateType type, int64_t i) -> Value {
    Value at = LLVM::ConstantOp::create(b, b.getI32Type(), i);
    Value narrow = LLVM::ExtractElementOp::create(b, vector, at);
    if (type == NVVM::DotAccumulateType::SIGNED)
      return LLVM::SExtOp::create(b, b.getI32Type(), narrow);
    return LLVM::ZExtOp::create(b, b.getI32Type(), narrow);
  };
  for (int64_t i = 0, n = cast<VectorType>(a.getType()).getNumElements(); i < n; ++i)
    sum = LLVM::AddOp::create(b, sum,
                              LLVM::MulOp::create(b, element(a, aType, i), element(c, cType, first + i)));
  return sum;
}

LogicalResult KernelRewriter::rewriteNVVM(Operation *op) {
  Builder b(op->getLoc(), op);
  auto replace = [&](Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
    return success();
  };
  StringRef name = op->getName().stripDialect();
  if (name.consume_front("read.ptx.sreg.")) {
    if (std::optional<SpecialRegister> which = findRegister(name))
      return replace(specialRegister(b, *which));
    if (name.starts_with("clock") || name.starts_with("globaltimer"))
      return replaceByCall(op, Emulated::Clock, {});
    if (name.starts_with("cluster."))
      return replace(constant32(b, name.contains("ncta") ? 1 : 0));
    return notBuilt(op);
  }
  auto number = [&](int64_t value) { return constant(b, value); };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](NVVM::InlinePtxOp) { return rewriteInlinePTX(op); })
      .Case([&](NVVM::Barrier0Op) {
        return replaceByCall(op, Emulated::Barrier, {number(0), number(0), number(0), number(0)});
      })
      .Case([&](NVVM::BarrierOp barrier) {
        auto orZero = [&](Value value) { return value ? value : number(0); };
        int64_t reduction = barrier.getReductionOp() ? 1 + int64_t(*barrier.getReductionOp()) : 0;
        return replaceByCall(op, Emulated::Barrier,
                             {orZero(barrier.getBarrierId()), orZero(barrier.getNumberOfThreads()),
                              number(reduction), orZero(barrier.getReductionPredicate())});
      })
      .Case([&](NVVM::BarrierArriveOp arrive) {
        return replaceByCall(
            op, Emulated::BarrierArrive,
            {arrive.getBarrierId() ? arrive.getBarrierId() : number(0), arrive.getNumberOfThreads()});
      })
      .Case([&](NVVM::DotAccumulate4WayOp dot) {
        return replace(dotProduct(b, dot.getA(), dot.getAType(), dot.getB(), dot.getBType(), 0, dot.getC()));
      })
      .Case([&](NVVM::DotAccumulate2WayOp dot) {
        return replace(dotProduct(b, dot.getA(), dot.getAType(), dot.getB(), dot.getBType(), dot.getBHi() ? 2 : 0,
                                  dot.getC()));
      })
      .Case([&](NVVM::SyncWarpOp sync) { return replaceByCall(op, Emulated::WarpSync, {sync.getMask()}); })
      .Case([&](NVVM::ShflOp shuffle) {
        auto slots = call(b, Emulated::Shuffle, op,
                          {number(int64_t(shuffle.getKind())), shuffle.getThreadMask(), shuffle.getVal(),
                           shuffle.getOffset(), shuffle.getMaskAndClamp()},
                          2);
        Type type = shuffle.getType();
        return replace(isa<LLVM::LLVMStructType>(type) ? packStruct(b, type, slots)
                                                       : fromSlot(b, slots[0], type));
      })
      .Case([&](NVVM::VoteSyncOp vote) {
        return replaceByCall(op, Emulated::Vote,
                             {number(int64_t(vote.getKind())), vote.getMask(), vote.getPred()});
      })
      .Case([&](NVVM::MatchSyncOp match) {
        auto slots = call(b, Emulated::Match, op,
                          {number(int64_t(match.getKind())), match.getThreadMask(), match.getVal()}, 2);
        Type type = match.getType();
        return replace(isa<LLVM::LLVMStructType>(type) ? packStruct(b, type, slots)
                                                       : fromSlot(b, slots[0], type));
      })
      .Case([&](NVVM::ElectSyncOp elect) {
        Value mask = elect->getNumOperands() ? elect->getOperand(0) : constant(b, 0xffffffff);
        auto slots = call(b, Emulated::Elect, op, {mask}, 2); // is the leader, the leader's lane
        return replace(fromSlot(b, slots[0], op->getResult(0).getType()));
      })
      .Case([&](NVVM::ReduxOp redux) {
        if (redux.getAbs() || redux.getNan())
          return notBuilt(op, "abs and nan");
        return replaceByCall(op, Emulated::Redux,
                             {number(int64_t(redux.getKind())), number(redux.getVal().getType().isF32()),
                              redux.getMaskAndClamp(), redux.getVal()});
      })
      .Case([&](NVVM::LdMatrixOp load) {
        if (load.getEltType() != NVVM::LdStMatrixEltType::B16 || load.getShape().getM() != 8 ||
            load.getShape().getN() != 8)
          return notBuilt(op, "with anything but 8x8 matrices of b16");
        return replaceByCall(
            op, Emulated::LdMatrix,
            {number(load.getNum()), number(load.getLayout() == NVVM::MMALayout::col), load.getPtr()});
      })
      .Case([&](NVVM::StMatrixOp store) {
        if (store.getEltType() != NVVM::LdStMatrixEltType::B16 || store.getShape().getM() != 8 ||
            store.getShape().getN() != 8)
          return notBuilt(op, "with anything but 8x8 matrices of b16");
        SmallVector<Value> values = {number(store.getSources().size()),
                                     number(store.getLayout() == NVVM::MMALayout::col), store.getPtr()};
        llvm::append_range(values, store.getSources());
        return replaceByCall(op, Emulated::StMatrix, values);
      })
      .Case([&](NVVM::MmaOp) { return rewriteMma(op); })
      .Case([&](NVVM::CpAsyncOp copy) {
        Value size = number(copy.getSize());
        return replaceByCall(
            op, Emulated::CpAsync,
            {copy.getDst(), copy.getSrc(), size, copy.getCpSize() ? copy.getCpSize() : size});
      })
      .Case([&](NVVM::CpAsyncCommitGroupOp) { return replaceByCall(op, Emulated::CpAsyncCommit, {}); })
      .Case([&](NVVM::CpAsyncWaitGroupOp wait) {
        return replaceByCall(op, Emulated::CpAsyncWait, {number(wait.getN())});
      })
      .Case([&](NVVM::GriddepcontrolOp) { // one launch at a time: there is nothing to wait for
        op->erase();
        return success();
      })
      .Case([&](NVVM::NanosleepOp) { return replaceByCall(op, Emulated::Yield, {}); })
      .Case([&](NVVM::MembarOp fence) {
        bool isOfBlock = fence.getScope() == NVVM::MemScopeKind::CTA ||
                         fence.getScope() == NVVM::MemScopeKind::CLUSTER; // of one block
        return replaceByCall(op, Emulated::Fence, {number(isOfBlock)});
      })
      .Case([&](NVVM::FenceScClusterOp) { return replaceByCall(op, Emulated::Fence, {number(1)}); })
      .Case([&](NVVM::Exit) { return replaceByCall(op, Emulated::Exit, {}); })
      .Case([&](NVVM::RcpApproxFtzF32Op rcp) {
        Value one = LLVM::ConstantOp::create(b, b.getF32Type(), b.getF32FloatAttr(1));
        return replace(LLVM::FDivOp::create(b, one, rcp.getArg()));
      })
      .Case([&](NVVM::ConvertFloatToTF32Op convert) {
        if (convert.getRelu())
          return notBuilt(op, "relu");
        // To the nearest, ties away (rna) or to even (rn): ten bits of mantissa stay.
        Value bits = LLVM::BitcastOp::create(b, b.getI32Type(), convert.getSrc());
        Value half = constant32(b, 0x1000);
        if (convert.getRnd() == NVVM::FPRoundingMode::RN) {
          Value odd =
              LLVM::AndOp::create(b, LLVM::LShrOp::create(b, bits, constant32(b, 13)), constant32(b, 1));
          half = LLVM::AddOp::create(b, odd, constant32(b, 0xfff));
        } else if (convert.getRnd() == NVVM::FPRoundingMode::RZ) {
          half = constant32(b, 0);
        }
        Value rounded = LLVM::AddOp::create(b, bits, half);
        return replace(LLVM::AndOp::create(b, rounded, constant32(b, ~0x1fffu)));
      })
      .Default([&](Operation *) { return rewriteHopper(op); });
}

/// Fragments as a list of registers of 4 bytes (f64: of 8).
LogicalResult KernelRewriter::rewriteMma(Operation *operation) {
  auto op = cast<NVVM::MmaOp>(operation);
  Builder b(op.getLoc(), op);
  auto shape = op.getShape();
  auto is = [&](int64_t m, int64_t n, ArrayRef<int64_t> k) {
    return int64_t(shape.getM()) == m && int64_t(shape.getN()) == n && llvm::is_contained(k, shape.getK());
  };
  SmallVector<Value> fragments = llvm::to_vector(op.getOperandA());
  llvm::append_range(fragments, op.getOperandB());
  llvm::append_range(fragments, op.getOperandC());
  auto results = cast<LLVM::LLVMStructType>(op.getType()).getBody();
  if (results[0].isF64() && is(8, 8, {4}))
    return replaceByCall(op, Emulated::MmaF64, fragments);
  if (op.getB1Op())
    return notBuilt(op, "of single bits");
  // As the machine counts them (runtime/emulator/Operations.h).
  auto elementOf = [](std::optional<NVVM::MMATypes> type) -> std::optional<int64_t> {
    switch (type.value_or(NVVM::MMATypes::b1)) {
    case NVVM::MMATypes::bf16:
      return 0;
    case NVVM::MMATypes::f16:
      return 1;
    case NVVM::MMATypes::tf32:
      return 2;
    case NVVM::MMATypes::s8:
      return 3;
    case NVVM::MMATypes::u8:
      return 4;
    default:
      return {};
    }
  };
  std::optional<int64_t> a = elementOf(op.getMultiplicandAPtxType()),
                         c = elementOf(op.getMultiplicandBPtxType());
  enum { F32, F16, S32, SaturatingS32 };
  bool isInteger = results[0].isInteger(32);
  int64_t sums = results[0].isF32()                                               ? F32
                 : !isInteger                                                     ? F16
                 : op.getIntOverflowBehavior() == NVVM::MMAIntOverflow::satfinite ? SaturatingS32
                                                                                  : S32;
  bool isKnown = a && c &&
                 (*a >= 3   ? isInteger && is(16, 8, {16, 32})
                  : *a == 2 ? sums == F32 && is(16, 8, {4, 8})
                            : (sums == F32 || (sums == F16 && *a == 1)) && is(16, 8, {8, 16})) &&
                 results.size() == (sums == F16 ? 2 : 4);
  if (!isKnown)
    return notBuilt(
        op, "other shapes than m16n8k8 and m16n8k16 (tf32: m16n8k4 and m16n8k8; 8-bit integers: m16n8k16 "
            "and m16n8k32; f64: m8n8k4), and other sums than f32 (f16 also f16, integers s32)");
  SmallVector<Value> values = {constant(b, shape.getK()), constant(b, *a), constant(b, *c),
                               constant(b, sums)};
  llvm::append_range(values, fragments);
  return replaceByCall(op, Emulated::Mma, values);
}
