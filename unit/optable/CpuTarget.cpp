#include "CpuTarget.h"

#include "../TempFolder.h"
#include "GuardedBuffer.h"
#include "ReadSteps.h"
#include "mlora/Dialect/MLora.h"
#include "mlora/Runtime/Program/Kernel.h"
#include "mlora/Target/CPU.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

#include <dlfcn.h>

using namespace mlir;
using ::mlir::mlora::KernelOp;
using ::mlir::mlora::LaunchOp;

namespace optable {
namespace {

struct Code {
  mlora_kernel kernel;
  size_t scratchBytes;
};

class CompiledForCpu : public CompiledCases {
public:
  ~CompiledForCpu() override {
    if (object)
      dlclose(object);
  }
  bool load(const std::string &path) {
    object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    return object != nullptr;
  }
  LogicalResult add(func::FuncOp function, const llvm::StringMap<int64_t> &scratch);
  Outcome run(const Case &oneCase, const Execution &run, const std::vector<std::vector<double>> &arguments,
              const std::vector<std::vector<float>> &before) override;

private:
  void *object = nullptr;
  llvm::StringMap<Steps> functions;
  llvm::StringMap<Code> code;
};

LogicalResult CompiledForCpu::add(func::FuncOp function, const llvm::StringMap<int64_t> &scratch) {
  FailureOr<Steps> steps = readSteps(function);
  if (failed(steps))
    return failure();
  for (const Launch &launch : steps->launches) {
    auto kernel = reinterpret_cast<mlora_kernel>(dlsym(object, launch.kernel.c_str()));
    if (!kernel)
      return function.emitError(launch.kernel) << " is not in the shared object";
    code[launch.kernel] = {kernel, size_t(scratch.lookup(launch.kernel))};
  }
  functions[function.getSymName()] = std::move(*steps);
  return success();
}

Outcome CompiledForCpu::run(const Case &oneCase, const Execution &run,
                            const std::vector<std::vector<double>> &arguments,
                            const std::vector<std::vector<float>> &before) {
  const Steps &steps = functions[oneCase.name];
  std::vector<std::unique_ptr<GuardedBuffer>> buffers;
  for (const Memory &memory : steps.memories)
    buffers.push_back(std::make_unique<GuardedBuffer>(memory.bytes(run)));
  std::vector<unsigned> home = steps.homes(oneCase);
  for (size_t i = 0; i < before.size(); ++i)
    write(buffers[steps.returned[i]]->data(), {before[i].begin(), before[i].end()},
          oneCase.results[i].element);
  for (size_t i = 0; i < arguments.size(); ++i)
    write(buffers[i]->data(), arguments[i], oneCase.arguments[i].fill.element);

  const int64_t scalars[] = {run.rows, run.countedRows, run.kvRows(), run.accumulate};
  Outcome outcome;
  for (const Launch &launch : steps.launches) {
    std::vector<void *> pointers;
    for (unsigned number : launch.buffers)
      pointers.push_back(buffers[home[number]]->data());
    const Code &kernel = code[launch.kernel];
    GuardedBuffer scratch(kernel.scratchBytes);
    std::vector<std::vector<char>> operands;
    for (size_t i = 0; i < launch.operands; ++i) {
      auto *bytes = static_cast<const char *>(pointers[i]);
      operands.emplace_back(bytes, bytes + buffers[home[launch.buffers[i]]]->size());
    }
    // Backwards: no block may need another.
    for (int64_t block = launch.blocks(run); block-- > 0;)
      kernel.kernel(block, pointers.data(), scalars, scratch.data());

    if (std::string damage = scratch.damage(); !damage.empty())
      outcome.damage.push_back(launch.kernel + " wrote outside its scratch, " + damage);
    for (size_t i = 0; i < launch.operands; ++i) {
      bool isResult = llvm::is_contained(ArrayRef(pointers).drop_front(launch.operands), pointers[i]);
      if (!isResult && std::memcmp(pointers[i], operands[i].data(), operands[i].size()) != 0)
        outcome.damage.push_back(launch.kernel + " changed its operand " + std::to_string(i));
    }
    for (auto [i, buffer] : llvm::enumerate(buffers))
      if (std::string damage = buffer->damage(); !damage.empty())
        outcome.damage.push_back(launch.kernel + " wrote outside of value " + std::to_string(i) + ", " +
                                 damage);
  }
  for (unsigned number : steps.returned) {
    GuardedBuffer &buffer = *buffers[home[number]];
    outcome.results.push_back(read(buffer.data(), buffer.size(), steps.memories[home[number]].element));
  }
  return outcome;
}

} // namespace

std::unique_ptr<CompiledCases> CpuTarget::compile(OwningOpRef<ModuleOp> module, const std::vector<Case> &) {
  PassManager form(module->getContext());
  ::mlir::mlora::MLoraFormKernelsOptions options;
  options.columnBlock = columnBlock;
  form.addPass(::mlir::mlora::createMLoraFormKernels(options));
  if (failed(form.run(*module)))
    return nullptr;

  OwningOpRef<ModuleOp> kernels = module->clone();
  for (auto function : llvm::make_early_inc_range(kernels->getOps<func::FuncOp>()))
    function.erase();
  ::mlora::test::TempFolder folder;
  std::string path = (folder.path() / "kernels.so").string();
  PassManager lower(module->getContext());
  // Several chunks of keys in the longer cases, one in the others.
  lower.addPass(::mlir::mlora::createMLoraLowerKernels({/*keyChunk=*/64}));
  ::mlir::mlora::buildToCPUPipeline(lower);
  lower.addPass(::mlir::mlora::createEmitObject({path}));
  if (failed(lower.run(*kernels)))
    return nullptr;
  llvm::StringMap<int64_t> scratch;
  for (Operation &op : *kernels->getBody())
    if (auto bytes = op.getAttrOfType<IntegerAttr>("mlora.scratch_bytes"))
      scratch[SymbolTable::getSymbolName(&op).getValue()] = bytes.getInt();

  auto compiled = std::make_unique<CompiledForCpu>();
  if (!compiled->load(path)) {
    module->emitError(dlerror());
    return nullptr;
  }
  for (auto function : module->getOps<func::FuncOp>())
    if (failed(compiled->add(function, scratch)))
      return nullptr;
  return compiled;
}

} // namespace optable
