//===- Emulate.cpp - the pass that runs kernels ----------------------------------------===//

#include "../CPU/EmitObject.h"
#include "Buffers.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Target/LoadedModule.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

#include <chrono>
#include <numeric>

namespace mlir::mlora {
#define GEN_PASS_DEF_EMULATE
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;
namespace emulator = ::mlora::emulator;

namespace {

/// One argument of a kernel as it was written: a memref becomes several parameters.
using ArgumentTypes = llvm::StringMap<SmallVector<Type>>;

struct Emulate : ::mlir::mlora::impl::EmulateBase<Emulate> {
  using EmulateBase::EmulateBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerEmulatorDialects(registry); }
  void runOnOperation() override;

private:
  LogicalResult run(EmulateOp op, LoadedModule &loaded, FunctionOpInterface kernel);
};

} // namespace

/// Parameters of the launch, one slot each, from what is stated.
static LogicalResult fillParameters(EmulateOp op, ArrayRef<Type> types, ArrayRef<EmulatedBuffer> buffers,
                                    ArrayRef<char *> memory, emulator::GlobalMemory &global,
                                    std::vector<uint64_t> &slots) {
  if (types.size() != op.getArguments().size())
    return op.emitOpError() << op.getKernel() << " takes " << types.size() << " arguments, not "
                            << op.getArguments().size();
  size_t next = 0;
  for (auto [i, pair] : llvm::enumerate(llvm::zip(types, op.getArguments()))) {
    auto [type, attribute] = pair;
    auto wrong = [&](const Twine &what) {
      return op.emitOpError() << "argument " << i << " is a " << type << ", which takes " << what.str();
    };
    if (auto entry = dyn_cast<DictionaryAttr>(attribute); entry && entry.get("tensor_map")) {
      FailureOr<emulator::TensorMap> map = readTensorMap(op, i, buffers, memory);
      if (failed(map))
        return failure();
      if (!isa<LLVM::LLVMPointerType, nvgpu::TensorMapDescriptorType>(type))
        return wrong("no tensor map: that is a pointer or an !nvgpu.tensormap.descriptor");
      char *place = global.allocate(sizeof *map, "tensor map " + std::to_string(i));
      std::memcpy(place, &*map, sizeof *map);
      slots.push_back(reinterpret_cast<uint64_t>(place));
    } else if (entry) {
      const EmulatedBuffer &buffer = buffers[next];
      uint64_t address = reinterpret_cast<uint64_t>(memory[next++]);
      slots.push_back(address);
      auto memref = dyn_cast<MemRefType>(type);
      if (isa<LLVM::LLVMPointerType>(type))
        continue;
      if (!memref)
        return wrong("a number");
      ArrayRef<int64_t> shape = buffer.type.getShape();
      if (memref.getRank() != buffer.type.getRank() ||
          memref.getElementType() != buffer.type.getElementType() ||
          failed(verifyCompatibleShape(memref.getShape(), shape)))
        return wrong("a buffer of its shape and element type");
      slots.push_back(address);
      slots.push_back(0);
      llvm::append_range(slots, shape);
      llvm::append_range(slots, computeStrides(shape));
    } else if (auto integer = dyn_cast<IntegerAttr>(attribute)) {
      if (!type.isIntOrIndex())
        return wrong(isa<FloatType>(type) ? "a number with a point" : "a buffer");
      slots.push_back(integer.getValue().getSExtValue());
    } else if (auto real = dyn_cast<FloatAttr>(attribute)) {
      if (real.getType() != type)
        return wrong("another type of number");
      slots.push_back(real.getValue().bitcastToAPInt().getZExtValue());
    } else {
      return op.emitOpError() << "argument " << i << " is neither a number nor a dictionary";
    }
  }
  return success();
}

/// Registers of a thread that a kernel states, which is what setmaxnreg starts from; 0: none.
static uint32_t registersOf(Operation *kernel) {
  auto stated = kernel->getAttrOfType<IntegerAttr>("nvvm.maxnreg");
  return stated ? uint32_t(stated.getInt()) : 0;
}

/// What a kernel says of its launches must hold for this one.
static LogicalResult checkLaunchBounds(EmulateOp op, Operation *kernel) {
  auto values = [&](StringRef name) -> SmallVector<int64_t> {
    Attribute attribute = kernel->getAttr(name);
    if (auto array = dyn_cast_or_null<DenseI32ArrayAttr>(attribute))
      return llvm::to_vector_of<int64_t>(array.asArrayRef());
    if (auto array = dyn_cast_or_null<ArrayAttr>(attribute))
      return llvm::map_to_vector(array.getAsRange<IntegerAttr>(),
                                 [](IntegerAttr value) { return value.getInt(); });
    return {};
  };
  auto threads = [](ArrayRef<int64_t> sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
  };
  auto block = llvm::to_vector_of<int64_t>(op.getBlock());
  block.resize(3, 1);
  int64_t launched = threads(block);
  for (StringRef name : {"nvvm.reqntid", "known_block_size", "gpu.known_block_size"})
    if (auto sizes = values(name); !sizes.empty())
      for (unsigned i = 0; i < 3; ++i)
        if ((i < sizes.size() ? sizes[i] : 1) != block[i])
          return op.emitOpError() << op.getKernel() << " asks for other blocks: its " << name << " is "
                                  << kernel->getAttr(name);
  if (auto most = values("nvvm.maxntid"); !most.empty() && launched > threads(most))
    return op.emitOpError() << op.getKernel() << " is launched with blocks of " << launched
                            << " threads; its nvvm.maxntid allows " << threads(most);
  constexpr int64_t mostRegisters = 64 << 10; // of a block
  if (int64_t each = registersOf(kernel); each * llvm::alignTo(launched, 32) > mostRegisters)
    return op.emitOpError() << op.getKernel() << " is launched with blocks of " << launched << " threads of "
                            << each << " registers (nvvm.maxnreg); a device has " << mostRegisters;
  for (StringRef name : {"nvvm.cluster_dim", "cluster_dims", "known_cluster_size"})
    if (auto sizes = values(name); threads(sizes) != 1)
      return op.emitOpError() << op.getKernel() << " asks for clusters of " << threads(sizes) << " blocks ("
                              << name << "); clusters of several blocks are not built yet";
  return success();
}

/// Shared memory that sm_90 gives a block: of arrays with a size, and of all.
static LogicalResult checkSharedMemory(EmulateOp op, uint64_t staticBytes) {
  constexpr uint64_t mostStatic = 48 << 10, most = 227 << 10;
  if (staticBytes > mostStatic)
    return op.emitOpError() << op.getKernel() << " has " << staticBytes
                            << " bytes of static shared memory; a device allows " << mostStatic
                            << " (48 KiB), and more only as dynamic shared memory";
  if (uint64_t all = staticBytes + op.getDynamicShared(); all > most)
    return op.emitOpError() << op.getKernel() << " has " << staticBytes << " bytes of static and "
                            << op.getDynamicShared() << " of dynamic shared memory; a block of sm_90 has "
                            << most << " (227 KiB)";
  return success();
}

LogicalResult Emulate::run(EmulateOp op, LoadedModule &loaded, FunctionOpInterface kernel) {
  SmallVector<Type> types(kernel.getArgumentTypes());
  StringRef name = op.getKernel().getLeafReference();
  FailureOr<std::vector<EmulatedBuffer>> buffers = readBuffers(op);
  if (failed(buffers))
    return failure();
  emulator::Launch launch;
  llvm::raw_string_ostream(launch.kernel) << op.getKernel();
  if (!loaded.module.kernels.count(name))
    return op.emitOpError() << op.getKernel() << " is no kernel of its module";
  if (failed(checkSharedMemory(op, loaded.module.staticSharedOf.lookup(name))))
    return failure();
  auto entry = loaded.find(name);
  if (!entry)
    return op.emitOpError() << op.getKernel() << ": " << llvm::toString(entry.takeError());
  launch.entry = *entry;
  llvm::copy(op.getGrid(), launch.grid.begin());
  llvm::copy(op.getBlock(), launch.block.begin());
  launch.staticSharedBytes = loaded.module.staticSharedBytes;
  launch.sharedGaps = loaded.module.sharedGaps;
  launch.dynamicSharedBytes = op.getDynamicShared();
  launch.registers = registersOf(kernel);
  constexpr uint64_t mostLocal = 512 << 10;
  if (loaded.module.localBytes > mostLocal)
    return op.emitOpError() << op.getKernel() << " has " << loaded.module.localBytes
                            << " bytes of local memory a thread; a device has " << mostLocal;
  launch.localBytes = loaded.module.localBytes;
  launch.sites = &loaded.module.sites;

  size_t capacity = 1 << 16;
  for (const EmulatedBuffer &buffer : *buffers)
    capacity += buffer.bytes() + 4096;
  for (const EmulatedGlobal &global : loaded.module.globals)
    capacity += global.bytes.size() + 4096;
  emulator::GlobalMemory memory(capacity);
  SmallVector<char *> places;
  for (const EmulatedBuffer &buffer : *buffers) {
    places.push_back(memory.allocate(buffer.bytes(), "argument " + std::to_string(buffer.argument)));
    if (buffer.isUninitialised)
      launch.uninitialised.push_back({reinterpret_cast<uint64_t>(places.back()), buffer.bytes()});
  }
  if (failed(fillParameters(op, types, *buffers, places, memory, launch.parameters)))
    return failure();
  SmallVector<char *> globals;
  for (const EmulatedGlobal &global : loaded.module.globals) {
    globals.push_back(memory.allocate(global.bytes.size(), global.name));
    launch.parameters.push_back(reinterpret_cast<uint64_t>(globals.back()));
  }

  // Bytes at the start, and those of an earlier seed that were right: most seeds give them again.
  std::vector<std::vector<char>> initial, right(buffers->size());
  for (const EmulatedBuffer &buffer : *buffers) {
    initial.emplace_back(buffer.bytes());
    buffer.store(initial.back().data());
  }

  emulator::Statistics total;
  auto begin = std::chrono::steady_clock::now();
  for (uint64_t seed = firstSeed, end = firstSeed + seeds; seed < end; ++seed) {
    for (auto [bytes, place] : llvm::zip(initial, places))
      llvm::copy(bytes, place);
    for (auto [global, place] : llvm::zip(loaded.module.globals, globals))
      llvm::copy(global.bytes, place);
    emulator::Statistics once;
    constexpr uint64_t raceSeeds = 4; // what is not ordered is not in any of them
    launch.print = nullptr;
    if (seed == uint64_t(firstSeed))
      launch.print = [](const std::string &text) { llvm::outs() << text; };
    launch.checksGlobalRaces = seed - firstSeed < raceSeeds;
    if (std::optional<emulator::Fault> fault = emulator::run(launch, memory, seed, &once)) {
      InFlightDiagnostic error = emitError(fault->site ? loaded.module.locations[*fault->site] : op.getLoc());
      error << fault->name << ": " << fault->message << " (seed " << seed << ")";
      if (fault->otherSite)
        error.attachNote(loaded.module.locations[*fault->otherSite]) << fault->otherMessage;
      return error;
    }
    total.switches += once.switches;
    total.barrierArrivals += once.barrierArrivals;
    total.collectives += once.collectives;
    total.sharedAccesses += once.sharedAccesses;
    for (auto [buffer, place, before] : llvm::zip(*buffers, places, right)) {
      ArrayRef<char> bytes(place, buffer.bytes());
      if (ArrayRef<char>(before) == bytes)
        continue;
      if (buffer.expectSame && !buffer.expected) {
        buffer.expected = buffer.initial;
        buffer.tolerance = 0;
        for (auto [i, value] : llvm::enumerate(buffer.expected->data))
          value = buffer.element(place, i);
      }
      if (failed(mlir::mlora::compare(op, buffer, place, seed)))
        return failure();
      before.assign(bytes.begin(), bytes.end());
    }
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  uint64_t blocks = 1, threads = 1;
  for (unsigned i = 0; i < 3; ++i)
    blocks *= launch.grid[i], threads *= launch.block[i];
  auto plural = [](uint64_t count, StringRef what) {
    return (Twine(count) + " " + what + (count == 1 ? "" : "s")).str();
  };
  llvm::outs() << op.getKernel() << ": " << plural(blocks, "block") << " of " << plural(threads, "thread")
               << ", " << plural(seeds, "seed") << ": passed\n";
  if (statistics)
    llvm::outs() << llvm::format(
        "  %.3f s; switches %llu, arrivals at barriers %llu, collectives of warps %llu, accesses of "
        "shared memory %llu\n",
        seconds, (unsigned long long)total.switches, (unsigned long long)total.barrierArrivals,
        (unsigned long long)total.collectives, (unsigned long long)total.sharedAccesses);
  return success();
}

void Emulate::runOnOperation() {
  ModuleOp module = getOperation();
  llvm::StringMap<std::unique_ptr<LoadedModule>> modules;
  bool anyFailed = false;
  if (seeds < 1) {
    module.emitError("mlora-emulate: seeds must be at least 1");
    return signalPassFailure();
  }
  if (module.getOps<EmulateOp>().empty()) {
    module.emitError("mlora-emulate: there is no mlora.emulate that says what to launch");
    return signalPassFailure();
  }
  for (EmulateOp op : module.getOps<EmulateOp>()) {
    StringRef name = op.getKernel().getRootReference();
    auto source = module.lookupSymbol<gpu::GPUModuleOp>(name);
    auto kernel =
        dyn_cast_or_null<FunctionOpInterface>(SymbolTable::lookupNearestSymbolFrom(op, op.getKernel()));
    if (!source || !kernel || op.getKernel().getNestedReferences().size() != 1) {
      op.emitOpError() << "there is no kernel " << op.getKernel() << " in a gpu.module of this file";
      anyFailed = true;
      continue;
    }
    if (failed(checkLaunchBounds(op, kernel))) {
      anyFailed = true;
      continue;
    }
    std::unique_ptr<LoadedModule> &loaded = modules[name];
    if (!loaded) {
      auto made = loadForEmulator(source, keep, /*leavesGaps=*/true);
      if (failed(made))
        return signalPassFailure();
      loaded = std::move(*made);
    }
    try {
      anyFailed |= failed(run(op, *loaded, kernel));
    } catch (const ::mlora::Error &error) {
      op.emitOpError() << error.what();
      anyFailed = true;
    }
  }
  if (anyFailed)
    signalPassFailure();
}
