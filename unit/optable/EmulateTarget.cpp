#include "EmulateTarget.h"

#include "GpuKernels.h"
#include "Steps.h"
#include "mlora/Target/LoadedModule.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
namespace emulator = ::mlora::emulator;

namespace optable {
namespace {

/// What a kernel's launch needs besides its grid.
struct Needs {
  uint32_t threads;
  uint32_t sharedBytes;
  size_t scratchBytes;
  emulator::KernelEntry entry;
};

class CompiledForEmulator : public CompiledCases {
public:
  Outcome run(const Case &oneCase, const Execution &run, const std::vector<std::vector<double>> &arguments,
              const std::vector<std::vector<float>> &before) override;

  std::unique_ptr<mlir::mlora::LoadedModule> loaded;
  llvm::StringMap<Steps> functions;
  llvm::StringMap<Needs> kernels;
};

Outcome CompiledForEmulator::run(const Case &oneCase, const Execution &run,
                                 const std::vector<std::vector<double>> &arguments,
                                 const std::vector<std::vector<float>> &before) {
  const Steps &steps = functions[oneCase.name];
  const int64_t scalars[] = {run.rows, run.countedRows, run.kvRows(), run.past, run.accumulate};
  auto bytesOf = [&](unsigned number) { return steps.memories[number].bytes(run); };
  size_t capacity = 1 << 16;
  for (unsigned i = 0; i < steps.memories.size(); ++i)
    capacity += bytesOf(i) + 4096;
  for (const Launch &launch : steps.launches)
    capacity += kernels[launch.kernel].scratchBytes * size_t(launch.blocks(run)) + 4096;
  for (const auto &global : loaded->module.globals)
    capacity += global.bytes.size() + 4096;
  emulator::GlobalMemory memory(capacity);
  std::vector<char *> buffers;
  for (unsigned i = 0; i < steps.memories.size(); ++i)
    buffers.push_back(memory.allocate(bytesOf(i), "value " + std::to_string(i)));
  char *scalarBuffer = memory.allocate(sizeof scalars, "scalars");
  std::memcpy(scalarBuffer, scalars, sizeof scalars);
  std::vector<uint64_t> globals;
  for (const auto &global : loaded->module.globals) {
    char *place = memory.allocate(global.bytes.size(), global.name);
    llvm::copy(global.bytes, place);
    globals.push_back(reinterpret_cast<uint64_t>(place));
  }
  std::vector<unsigned> home = steps.homes(oneCase);
  for (size_t i = 0; i < before.size(); ++i)
    write(buffers[steps.returned[i]], {before[i].begin(), before[i].end()}, oneCase.results[i].element);
  for (size_t i = 0; i < arguments.size(); ++i)
    write(buffers[i], arguments[i], oneCase.arguments[i].fill.element);

  Outcome outcome;
  uint64_t seed = 1;
  for (const Launch &step : steps.launches) {
    const Needs &needs = kernels[step.kernel];
    emulator::Launch launch;
    launch.kernel = step.kernel;
    launch.entry = needs.entry;
    launch.grid[0] = uint32_t(step.blocks(run));
    launch.block[0] = needs.threads;
    launch.staticSharedBytes = loaded->module.staticSharedBytes;
    launch.dynamicSharedBytes = needs.sharedBytes;
    launch.sites = &loaded->module.sites;
    if (launch.grid[0] == 0)
      continue;
    std::vector<std::vector<char>> operands;
    for (size_t i = 0; i < step.buffers.size(); ++i) {
      unsigned number = home[step.buffers[i]];
      launch.parameters.push_back(reinterpret_cast<uint64_t>(buffers[number]));
      if (i < step.operands)
        operands.emplace_back(buffers[number], buffers[number] + bytesOf(number));
    }
    char *scratch = memory.allocate(needs.scratchBytes * launch.grid[0], "scratch of " + step.kernel);
    launch.parameters.push_back(reinterpret_cast<uint64_t>(scalarBuffer));
    launch.parameters.push_back(reinterpret_cast<uint64_t>(scratch));
    llvm::append_range(launch.parameters, globals);
    if (std::optional<emulator::Fault> fault = emulator::run(launch, memory, seed++)) {
      outcome.damage.push_back(
          fault->name + ": " + fault->message +
          (fault->site ? " (" + loaded->module.sites[*fault->site].operation + ")" : ""));
      break;
    }
    for (size_t i = 0; i < step.operands; ++i) {
      unsigned number = home[step.buffers[i]];
      bool isResult = llvm::any_of(llvm::ArrayRef(step.buffers).drop_front(step.operands),
                                   [&](unsigned other) { return home[other] == number; });
      if (!isResult && std::memcmp(buffers[number], operands[i].data(), operands[i].size()) != 0)
        outcome.damage.push_back(step.kernel + " changed its operand " + std::to_string(i));
    }
  }
  for (unsigned number : steps.returned)
    outcome.results.push_back(
        read(buffers[home[number]], bytesOf(home[number]), steps.memories[home[number]].element));
  return outcome;
}

} // namespace

std::unique_ptr<CompiledCases> EmulateTarget::compile(OwningOpRef<ModuleOp> module,
                                                      const std::vector<Case> &) {
  DialectRegistry dialects;
  mlir::mlora::registerEmulatorDialects(dialects);
  module->getContext()->appendDialectRegistry(dialects);
  PassManager form(module->getContext());
  form.addPass(mlir::mlora::createMLoraFormKernels(gpuBlocks()));
  if (failed(form.run(*module)))
    return nullptr;
  auto compiled = std::make_unique<CompiledForEmulator>();
  for (auto function : module->getOps<func::FuncOp>()) {
    FailureOr<Steps> steps = readSteps(function);
    if (failed(steps))
      return nullptr;
    compiled->functions[function.getSymName()] = std::move(*steps);
  }
  FailureOr<gpu::GPUModuleOp> kernels = lowerToGpu(*module);
  if (failed(kernels))
    return nullptr;
  auto loaded = mlir::mlora::loadForEmulator(*kernels);
  if (failed(loaded))
    return nullptr;
  compiled->loaded = std::move(*loaded);
  for (auto kernel : kernels->getOps<LLVM::LLVMFuncOp>()) {
    auto number = [&](StringRef name) {
      auto attribute = kernel->getAttrOfType<IntegerAttr>(name);
      return attribute ? attribute.getInt() : 0;
    };
    auto block = kernel->getAttrOfType<DenseI32ArrayAttr>("gpu.known_block_size");
    auto entry = compiled->loaded->find(kernel.getSymName());
    if (!entry || !block) {
      kernel.emitError("is no kernel: ") << llvm::toString(entry.takeError());
      return nullptr;
    }
    // A schedule cuts as it likes.
    for (auto &function : compiled->functions)
      for (Launch &launch : function.second.launches)
        if (launch.kernel == kernel.getSymName())
          launch.grid = readGrid(kernel->getAttrOfType<ArrayAttr>("mlora.grid"));
    compiled->kernels[kernel.getSymName()] = {uint32_t(block[0]), uint32_t(number("mlora.shared_bytes")),
                                              size_t(number("mlora.scratch_bytes")), *entry};
  }
  return compiled;
}

} // namespace optable
