#include "CpuTarget.h"

#include "../TempFolder.h"
#include "GuardedBuffer.h"
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

/// A value of a function: where its elements are counted.
struct Memory {
  Shape shape;
  bool isIndex;
};

struct Launch {
  mlora_kernel kernel;
  std::string name;
  std::vector<std::pair<int64_t, int64_t>> grid; ///< extent (as in Shape), block
  std::vector<unsigned> buffers;                 ///< numbers of memories: operands, then results
  size_t operands;
  size_t scratchBytes;
};

/// A function's launches, its arguments' memories first.
struct Steps {
  std::vector<Memory> memories;
  std::vector<Launch> launches;
  std::vector<unsigned> returned;
};

int64_t extentOf(StringRef name) {
  for (int64_t extent : {Rows, CountedRows, KvRows})
    if (name == extentName(extent))
      return extent;
  llvm_unreachable("kernels have no other extents");
}

Memory memoryOf(Type type, StringAttr extent) {
  auto tensor = cast<RankedTensorType>(type);
  Memory memory{{}, tensor.getElementType().isInteger(32)};
  for (int64_t size : tensor.getShape())
    memory.shape.push_back(ShapedType::isDynamic(size) ? extentOf(extent.getValue()) : size);
  return memory;
}

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
};

LogicalResult CompiledForCpu::add(func::FuncOp function, const llvm::StringMap<int64_t> &scratch) {
  Steps &steps = functions[function.getSymName()];
  DenseMap<Value, unsigned> numbers;
  auto number = [&](Value value, StringAttr extent) {
    numbers[value] = unsigned(steps.memories.size());
    steps.memories.push_back(memoryOf(value.getType(), extent));
  };
  for (BlockArgument argument : function.getArguments())
    number(argument,
           function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), ::mlir::mlora::kExtentAttr));
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch)
      return op.emitError("is in no kernel");
    auto kernel = SymbolTable::lookupNearestSymbolFrom<KernelOp>(launch, launch.getKernelAttr());
    Launch made{reinterpret_cast<mlora_kernel>(dlsym(object, launch.getKernel().str().c_str())),
                launch.getKernel().str(),
                {},
                {},
                launch.getOperands_().size(),
                size_t(scratch.lookup(launch.getKernel()))};
    if (!made.kernel)
      return launch.emitError("names a kernel that is not in the shared object");
    for (const KernelOp::GridDimension &dimension : kernel.getGridDimensions())
      made.grid.push_back(
          {dimension.extent.empty() ? dimension.size : extentOf(dimension.extent), dimension.block});
    for (Value operand : launch.getOperands_())
      made.buffers.push_back(numbers.lookup(operand));
    for (auto [i, result] : llvm::enumerate(launch.getResults_())) {
      number(result, kernel.getResultAttrOfType<StringAttr>(i, ::mlir::mlora::kExtentAttr));
      made.buffers.push_back(numbers.lookup(result));
    }
    steps.launches.push_back(std::move(made));
  }
  for (Value value : function.getBody().front().getTerminator()->getOperands())
    steps.returned.push_back(numbers.lookup(value));
  return success();
}

void write(GuardedBuffer &buffer, const std::vector<double> &values, bool isIndex) {
  for (size_t i = 0; i < values.size(); ++i)
    if (isIndex)
      static_cast<int32_t *>(buffer.data())[i] = int32_t(values[i]);
    else
      static_cast<float *>(buffer.data())[i] = float(values[i]);
}

Outcome CompiledForCpu::run(const Case &oneCase, const Execution &run,
                            const std::vector<std::vector<double>> &arguments,
                            const std::vector<std::vector<float>> &before) {
  const Steps &steps = functions[oneCase.name];
  std::vector<std::unique_ptr<GuardedBuffer>> buffers;
  for (const Memory &memory : steps.memories)
    buffers.push_back(std::make_unique<GuardedBuffer>(size_t(4 * elementsOf(memory.shape, run))));
  // In-place results: the value's number becomes that of the argument.
  std::vector<unsigned> home(buffers.size());
  for (unsigned i = 0; i < home.size(); ++i)
    home[i] = i;
  for (size_t i = 0; i < before.size(); ++i)
    std::memcpy(buffers[steps.returned[i]]->data(), before[i].data(), 4 * before[i].size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    write(*buffers[i], arguments[i], oneCase.arguments[i].fill.isIndex);
    for (size_t j = 0; j < oneCase.results.size(); ++j)
      if (oneCase.results[j].inPlaceOf == oneCase.arguments[i].name)
        home[steps.returned[j]] = unsigned(i);
  }

  const int64_t scalars[] = {run.rows, run.countedRows, run.kvRows(), run.past, run.accumulate};
  Outcome outcome;
  for (const Launch &launch : steps.launches) {
    std::vector<void *> pointers;
    for (unsigned number : launch.buffers)
      pointers.push_back(buffers[home[number]]->data());
    int64_t blocks = 1;
    for (auto [extent, block] : launch.grid)
      blocks *= (sizeOf(extent, run) + block - 1) / block;
    GuardedBuffer scratch(launch.scratchBytes);
    std::vector<std::vector<char>> operands;
    for (size_t i = 0; i < launch.operands; ++i) {
      auto *bytes = static_cast<const char *>(pointers[i]);
      operands.emplace_back(bytes, bytes + buffers[home[launch.buffers[i]]]->size());
    }
    // Backwards: no block may need another.
    for (int64_t block = blocks; block-- > 0;)
      launch.kernel(block, pointers.data(), scalars, scratch.data());

    if (std::string damage = scratch.damage(); !damage.empty())
      outcome.damage.push_back(launch.name + " wrote outside its scratch, " + damage);
    for (size_t i = 0; i < launch.operands; ++i) {
      bool isResult = llvm::is_contained(ArrayRef(pointers).drop_front(launch.operands), pointers[i]);
      if (!isResult && std::memcmp(pointers[i], operands[i].data(), operands[i].size()) != 0)
        outcome.damage.push_back(launch.name + " changed its operand " + std::to_string(i));
    }
    for (auto [i, buffer] : llvm::enumerate(buffers))
      if (std::string damage = buffer->damage(); !damage.empty())
        outcome.damage.push_back(launch.name + " wrote outside of value " + std::to_string(i) + ", " +
                                 damage);
  }
  for (unsigned number : steps.returned) {
    GuardedBuffer &buffer = *buffers[home[number]];
    auto *values = static_cast<const float *>(buffer.data());
    outcome.results.emplace_back(values, values + buffer.size() / 4);
  }
  return outcome;
}

} // namespace

std::unique_ptr<CompiledCases> CpuTarget::compile(OwningOpRef<ModuleOp> module, const std::vector<Case> &) {
  PassManager form(module->getContext());
  form.addPass(::mlir::mlora::createMLoraFormKernels());
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
