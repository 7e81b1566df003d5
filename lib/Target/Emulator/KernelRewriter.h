//===- KernelRewriter.h - a GPU function to a host function --------------------------===//
//
// RewriteKernel.cpp (signatures, addresses, bf16), RewriteIntrinsics.cpp (what has a name),
// RewriteAsyncIntrinsics.cpp (mbarriers, asynchronous copies and warps among them), RewriteMemory.cpp
// (checked accesses), RewriteNVVM.cpp and RewriteHopper.cpp (what becomes a call of the machine),
// InlinePTX.cpp (instructions as text), WgmmaTags.cpp (reads of wgmma's results).

#pragma once

#include "mlora/Target/EmulatedModule.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::mlora {

using ::mlora::emulator::SpecialRegister;
using Emulated = ::mlora::emulator::Operation;

/// Where the module's globals are: shared memory by address, everything else by number.
struct GlobalLayout {
  llvm::StringMap<uint64_t> shared;
  llvm::StringMap<unsigned> others;
};

/// The register that an op or an intrinsic reads, by the end of its name.
std::optional<SpecialRegister> findRegister(StringRef name);

/// Upstream's passes delete loops that only read and whose results nobody uses: one that waits in vain would
/// be a kernel that ends. Gives those a side effect that they keep until they are rewritten.
void keepSpinningLoops(ModuleOp module);
constexpr llvm::StringLiteral kTurnComment = "// mlora: a turn of a loop that waits";

/// gpu.all_reduce as accesses of shared memory and barriers (AllReduce.cpp).
void expandAllReduces(ModuleOp module);

/// Loads and stores under a mask become one access a lane, behind a branch each (MaskedMemory.cpp).
void expandMaskedAccesses(LLVM::LLVMFuncOp function);

/// Whether an atomic or a fence of this scope means nothing to other blocks. A cluster has one block.
inline bool isOfBlock(std::optional<StringRef> scope) {
  return scope && (*scope == "block" || *scope == "cluster" || *scope == "singlethread");
}

class KernelRewriter {
public:
  KernelRewriter(LLVM::LLVMFuncOp function, EmulatedModule &result, const GlobalLayout &layout)
      : function(function), result(result), layout(layout), context(function.getContext()) {}
  LogicalResult run();

private:
  using Builder = ImplicitLocOpBuilder;

  // RewriteKernel.cpp
  void rewriteSignature();
  LogicalResult rewrite(Operation *op);
  LogicalResult rewriteAddress(LLVM::AddressOfOp op);
  void rewriteCast(LLVM::AddrSpaceCastOp op);
  LogicalResult rewriteCall(LLVM::CallOp op);
  /// BF16 is memory's format on most CPUs: arithmetic is done in F32.
  LogicalResult rewriteBF16(Operation *op);
  void widenF16(Operation *op);
  LogicalResult rewriteUnaryMath(Operation *op, Emulated function);
  LogicalResult notBuilt(Operation *op, const Twine &what = "");

  // RewriteIntrinsics.cpp
  std::optional<LogicalResult> rewriteExternalCall(LLVM::CallOp op, StringRef name);
  LogicalResult rewriteIntrinsic(LLVM::CallIntrinsicOp op);
  std::optional<LogicalResult> rewriteAsyncIntrinsic(LLVM::CallIntrinsicOp op, StringRef name);
  LogicalResult rewriteMemoryCopy(Operation *op);

  // InlinePTX.cpp
  friend class InlinePTX;
  LogicalResult rewriteAssembly(LLVM::InlineAsmOp op);
  LogicalResult rewriteInlinePTX(Operation *op);

  // RewriteMemory.cpp
  LogicalResult rewriteMemory(Operation *op);
  LogicalResult splitAtomic(LLVM::AtomicRMWOp atomic);
  Value genericAddress(Builder &b, Value pointer);
  void findConstantLoads();
  /// Tells the machine where memory of the thread's own is.
  void registerLocal(LLVM::AllocaOp op);
  /// The host's address of an access, once it is checked: in line where it is global or local memory.
  Value hostAddress(Operation *op, Value pointer, uint32_t bytes, uint32_t alignment, uint32_t flags);
  Value branchToCheck(Builder &b, Operation *op, Value pointer, Value address, Value refused,
                      uint32_t access);

  // SpinningLoops.cpp
  void yieldInSpinningLoops();

  // WgmmaTags.cpp
  void tagWgmmaResults();

  // RewriteNVVM.cpp
  LogicalResult rewriteNVVM(Operation *op);
  LogicalResult rewriteHopper(Operation *op);
  LogicalResult rewriteMma(Operation *op);

  // Helpers.
  Value constant(Builder &b, int64_t value);
  Value constant32(Builder &b, uint32_t value);
  Value field(Builder &b, size_t offset, Type type, bool isInvariant = true);
  Value specialRegister(Builder &b, SpecialRegister which);
  uint32_t siteOf(Operation *op);
  /// A value of at most 8 bytes as the machine's 8-byte slot, and back.
  Value toSlot(Builder &b, Value value);
  Value fromSlot(Builder &b, Value slot, Type type);
  /// Calls the machine; the slots of its results.
  SmallVector<Value> call(Builder &b, Emulated operation, Operation *op, ValueRange operands,
                          unsigned results = 0);
  /// The same for the op as a whole: its results come from the slots, elements of a struct one by one.
  LogicalResult replaceByCall(Operation *op, Emulated operation, ArrayRef<Value> operands);
  Value packStruct(Builder &b, Type type, ArrayRef<Value> slots);
  SmallVector<Value> unpackStruct(Builder &b, Value value);
  /// Runs what follows only where a predicate (if there is one) holds.
  void guard(Operation *op, Value predicate);

  LLVM::LLVMFuncOp function;
  EmulatedModule &result;
  const GlobalLayout &layout;
  MLIRContext *context;
  Value thread;                      ///< the ThreadContext
  LLVM::AllocaOp operands, results_; ///< slots of calls, shared by all of the function
  /// An allocation of a fixed size: its bytes, and where a byte for each says whether it has been written.
  struct Local {
    int64_t bytes;
    Value written;
  };
  llvm::DenseMap<Operation *, Local> locals;
  llvm::DenseSet<Operation *> constantLoads; ///< that NVPTX makes ld.global.nc
  int64_t mostOperands = 1, mostResults = 1;
};

} // namespace mlir::mlora
