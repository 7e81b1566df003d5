//===- RewriteIntrinsics.cpp - functions and intrinsics that NVPTX knows by name -------===//

#include "KernelRewriter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::mlora;

//===- functions -----------------------------------------------------------------------===//

namespace {
struct LibraryFunction {
  unsigned number, operands;
};
} // namespace

static std::optional<LibraryFunction> findLibraryFunction(StringRef name) {
  static const llvm::StringMap<LibraryFunction> functions = [] {
    llvm::StringMap<LibraryFunction> map;
    unsigned number = 0;
#define MLORA_LIBRARY_FUNCTION(name, operands) map[#name] = {number++, operands};
#include "mlora/Runtime/Emulator/LibraryFunctions.def"
    return map;
  }();
  auto found = functions.find(name);
  return found == functions.end() ? std::nullopt : std::optional(found->second);
}

/// What libdevice and CUDA's runtime provide; none: not known here.
std::optional<LogicalResult> KernelRewriter::rewriteExternalCall(LLVM::CallOp op, StringRef name) {
  Builder b(op.getLoc(), op);
  if (name == "vprintf" && op.getCalleeOperands().size() == 2)
    return replaceByCall(op, Emulated::Print, llvm::to_vector(op.getCalleeOperands()));
  if (name == "__assertfail")
    return replaceByCall(op, Emulated::Trap, {});
  if (!name.consume_front("__nv_"))
    return {};
  name.consume_front("fast_"); // approximations are exact here
  bool isF32 = op->getNumResults() && op->getResult(0).getType().isF32();
  if (isF32 && name != "erf") // __nv_erff is erf of f32, and __nv_erf that of f64
    name.consume_back("f");
  std::optional<LibraryFunction> function = findLibraryFunction(name);
  if (!function || op.getCalleeOperands().size() != function->operands ||
      !llvm::all_of(op.getCalleeOperands(),
                    [&](Value value) { return value.getType() == op->getResult(0).getType(); }) ||
      !(isF32 || op->getResult(0).getType().isF64()))
    return {};
  SmallVector<Value> values = {constant(b, function->number), constant(b, isF32)};
  llvm::append_range(values, op.getCalleeOperands());
  values.resize(5, constant(b, 0));
  return replaceByCall(op, Emulated::Library, values);
}

//===- llvm.nvvm.* ---------------------------------------------------------------------===//

/// Bytes of two registers, picked by four digits; the fourth bit of a digit repeats the byte's sign (PTX ISA,
/// prmt).
static Value permuteBytes(ImplicitLocOpBuilder &b, Value low, Value high, Value selector) {
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  auto number = [&](Type type, int64_t value) -> Value {
    return LLVM::ConstantOp::create(b, type, b.getIntegerAttr(type, value));
  };
  Value both =
      LLVM::OrOp::create(b, LLVM::ZExtOp::create(b, i64, low),
                         LLVM::ShlOp::create(b, LLVM::ZExtOp::create(b, i64, high), number(i64, 32)));
  Value result = number(i32, 0);
  for (int i = 0; i < 4; ++i) {
    Value digit = LLVM::LShrOp::create(b, selector, number(i32, 4 * i));
    Value shift = LLVM::ShlOp::create(b, LLVM::AndOp::create(b, digit, number(i32, 7)), number(i32, 3));
    Value byte = LLVM::TruncOp::create(b, b.getI8Type(),
                                       LLVM::LShrOp::create(b, both, LLVM::ZExtOp::create(b, i64, shift)));
    Value sign = LLVM::AShrOp::create(b, byte, number(b.getI8Type(), 7));
    Value repeats = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne,
                                         LLVM::AndOp::create(b, digit, number(i32, 8)), number(i32, 0));
    Value chosen = LLVM::ZExtOp::create(b, i32, LLVM::SelectOp::create(b, repeats, sign, byte));
    result = LLVM::OrOp::create(b, result, LLVM::ShlOp::create(b, chosen, number(i32, 8 * i)));
  }
  return result;
}

LogicalResult KernelRewriter::rewriteIntrinsic(LLVM::CallIntrinsicOp op) {
  StringRef name = op.getIntrin();
  if (!name.consume_front("llvm.nvvm."))
    return notBuilt(op, name);
  Builder b(op.getLoc(), op);
  auto arguments = llvm::to_vector(op.getArgs());
  auto replace = [&](Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op.erase();
    return success();
  };
  auto one = [&] { return LLVM::ConstantOp::create(b, b.getF32Type(), b.getF32FloatAttr(1)); };
  auto number = [&](int64_t value) { return constant(b, value); };
  auto is = [&](ArrayRef<StringRef> names) { return llvm::is_contained(names, name); };

  // Flushing subnormals and the last bits of approximations are not emulated.
  if (is({"ex2.approx.f", "ex2.approx.ftz.f", "ex2.approx.ftz", "ex2.approx"}))
    return rewriteUnaryMath(op, Emulated::Exp2);
  if (is({"lg2.approx.f", "lg2.approx.ftz.f"}))
    return rewriteUnaryMath(op, Emulated::Log2);
  if (is({"sin.approx.f", "sin.approx.ftz.f"}))
    return rewriteUnaryMath(op, Emulated::Sin);
  if (is({"cos.approx.f", "cos.approx.ftz.f"}))
    return rewriteUnaryMath(op, Emulated::Cos);
  if (is({"tanh.approx.f", "tanh.approx.f32"}))
    return rewriteUnaryMath(op, Emulated::Tanh);
  if (is({"rcp.approx.ftz.f", "rcp.rn.f", "rcp.rn.ftz.f"}))
    return replace(LLVM::FDivOp::create(b, one(), arguments[0]));
  if (is({"sqrt.approx.f", "sqrt.approx.ftz.f", "sqrt.rn.f", "sqrt.rn.ftz.f", "sqrt.rn.d", "sqrt.f"}))
    return replace(LLVM::SqrtOp::create(b, arguments[0]));
  if (is({"rsqrt.approx.f", "rsqrt.approx.ftz.f"}))
    return replace(LLVM::FDivOp::create(b, one(), LLVM::SqrtOp::create(b, arguments[0])));
  if (is({"div.approx.f", "div.approx.ftz.f", "div.full", "div.rn.f", "div.rn.d"}))
    return replace(LLVM::FDivOp::create(b, arguments[0], arguments[1]));
  if (is({"fma.rn.f", "fma.rn.ftz.f", "fma.rn.d"}))
    return replace(LLVM::FMAOp::create(b, arguments[0], arguments[1], arguments[2]));
  if (is({"add.rn.f", "add.rn.ftz.f", "add.rn.d"}))
    return replace(LLVM::FAddOp::create(b, arguments[0], arguments[1]));
  if (is({"mul.rn.f", "mul.rn.ftz.f", "mul.rn.d"}))
    return replace(LLVM::FMulOp::create(b, arguments[0], arguments[1]));
  if (is({"fmax.f", "fmax.ftz.f", "fmax.d"}))
    return replace(LLVM::MaxNumOp::create(b, arguments[0], arguments[1]));
  if (is({"fmin.f", "fmin.ftz.f", "fmin.d"}))
    return replace(LLVM::MinNumOp::create(b, arguments[0], arguments[1]));
  if (is({"fabs.f", "fabs.ftz.f", "fabs.d", "fabs"}))
    return replace(LLVM::FAbsOp::create(b, arguments[0]));
  if (is({"mulhi.i", "mulhi.ui", "mulhi.ll", "mulhi.ull"})) {
    Type type = op->getResult(0).getType(), wide = b.getIntegerType(type.getIntOrFloatBitWidth() * 2);
    bool isSigned = !name.contains(".u");
    auto extend = [&](Value value) -> Value {
      return isSigned ? LLVM::SExtOp::create(b, wide, value).getResult()
                      : LLVM::ZExtOp::create(b, wide, value).getResult();
    };
    Value product = LLVM::MulOp::create(b, extend(arguments[0]), extend(arguments[1]));
    Value by = LLVM::ConstantOp::create(b, wide, b.getIntegerAttr(wide, type.getIntOrFloatBitWidth()));
    return replace(LLVM::TruncOp::create(b, type, LLVM::LShrOp::create(b, product, by)));
  }
  if (name == "prmt")
    return replace(permuteBytes(b, arguments[0], arguments[1], arguments[2]));
  if (is({"ff2bf16x2.rn", "ff2f16x2.rn"})) { // the first becomes the upper half
    auto type = cast<VectorType>(op->getResult(0).getType());
    Value pair = LLVM::PoisonOp::create(b, VectorType::get({2}, b.getF32Type()));
    pair = LLVM::InsertElementOp::create(b, pair, arguments[1], constant32(b, 0));
    pair = LLVM::InsertElementOp::create(b, pair, arguments[0], constant32(b, 1));
    auto narrow = LLVM::FPTruncOp::create(b, type, pair);
    op->getResult(0).replaceAllUsesWith(narrow.getResult());
    op.erase();
    return type.getElementType().isBF16() ? rewriteBF16(narrow) : success();
  }

  // Special registers and what threads do together: as the nvvm ops of the same meaning.
  if (StringRef rest = name; rest.consume_front("read.ptx.sreg.")) {
    if (std::optional<SpecialRegister> which = findRegister(rest))
      return replace(specialRegister(b, *which));
    return rest.starts_with("clock") || rest.starts_with("globaltimer")
               ? replaceByCall(op, Emulated::Clock, {})
               : notBuilt(op, "llvm.nvvm." + name);
  }
  if (name == "barrier0")
    return replaceByCall(op, Emulated::Barrier, {number(0), number(0), number(0), number(0)});
  if (is({"barrier.cta.sync.aligned.all", "barrier.n", "barrier.sync"}))
    return replaceByCall(op, Emulated::Barrier, {arguments[0], number(0), number(0), number(0)});
  if (is({"barrier.cta.sync.aligned.count", "barrier"}))
    return replaceByCall(op, Emulated::Barrier, {arguments[0], arguments[1], number(0), number(0)});
  if (name == "barrier.cta.arrive.aligned.count")
    return replaceByCall(op, Emulated::BarrierArrive, {arguments[0], arguments[1]});
  if (name == "bar.warp.sync")
    return replaceByCall(op, Emulated::WarpSync, {arguments[0]});
  if (is({"membar.cta", "membar.gl", "membar.sys"}))
    return replaceByCall(op, Emulated::Fence, {number(name == "membar.cta")});
  if (StringRef rest = name; rest.consume_front("shfl.sync.")) {
    auto [kind, type] = rest.split('.');
    int64_t code = llvm::StringSwitch<int64_t>(kind)
                       .Case("bfly", 0)
                       .Case("up", 1)
                       .Case("down", 2)
                       .Case("idx", 3)
                       .Default(-1);
    if (code < 0 || (type != "i32" && type != "f32"))
      return notBuilt(op, "llvm.nvvm." + name);
    auto slots = call(b, Emulated::Shuffle, op,
                      {number(code), arguments[0], arguments[1], arguments[2], arguments[3]}, 2);
    return replace(fromSlot(b, slots[0], op->getResult(0).getType()));
  }
  if (StringRef rest = name; rest.consume_front("vote.")) {
    int64_t code = llvm::StringSwitch<int64_t>(rest)
                       .Case("any.sync", 0)
                       .Case("all.sync", 1)
                       .Case("ballot.sync", 2)
                       .Case("uni.sync", 3)
                       .Default(-1);
    return code < 0 ? notBuilt(op, "llvm.nvvm." + name)
                    : replaceByCall(op, Emulated::Vote, {number(code), arguments[0], arguments[1]});
  }
  if (std::optional<LogicalResult> done = rewriteAsyncIntrinsic(op, name))
    return *done;
  if (name == "cp.async.commit.group")
    return replaceByCall(op, Emulated::CpAsyncCommit, {});
  if (name == "cp.async.wait.group")
    return replaceByCall(op, Emulated::CpAsyncWait, {arguments[0]});
  if (name == "cp.async.wait.all") { // committed or not
    call(b, Emulated::CpAsyncCommit, op, {});
    return replaceByCall(op, Emulated::CpAsyncWait, {number(0)});
  }
  return notBuilt(op, "llvm.nvvm." + name);
}

//===- llvm.memcpy, memmove, memset ------------------------------------------------------===//

LogicalResult KernelRewriter::rewriteMemoryCopy(Operation *op) {
  Builder b(op->getLoc(), op);
  Value to = op->getOperand(0), from = op->getOperand(1);
  Value bytes;
  if (op->getNumOperands() > 2)
    bytes = op->getOperand(2);
  else
    bytes = constant(b, op->getAttrOfType<IntegerAttr>("len").getValue().getZExtValue());
  bool isSet = isa<LLVM::MemsetOp, LLVM::MemsetInlineOp>(op);
  return replaceByCall(op, isSet ? Emulated::MemorySet : Emulated::MemoryCopy,
                       {genericAddress(b, to), isSet ? from : genericAddress(b, from), bytes});
}
