#include "GpuTarget.h"

#include "GpuKernels.h"
#include "GpuRunner.h"
#include "ReadSteps.h"
#include "mlora/Runtime/Cuda/Emulated.h"
#include "mlora/Runtime/Program/CudaChip.h"
#include "mlora/Target/LoadedModule.h"
#include "mlora/Target/PTX.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
namespace cuda = ::mlora::cuda;

namespace optable {

FailureOr<GpuModule> compileForGpu(ModuleOp module, StringRef chip) {
  PassManager form(module.getContext());
  form.addPass(mlir::mlora::createMLoraFormKernels(gpuBlocks()));
  if (failed(form.run(module)))
    return failure();
  GpuModule made;
  for (auto function : module.getOps<func::FuncOp>()) {
    FailureOr<Steps> steps = readSteps(function);
    if (failed(steps))
      return failure();
    made.cases.functions[function.getSymName().str()] = std::move(*steps);
  }
  FailureOr<gpu::GPUModuleOp> kernels = lowerToGpu(module, chip);
  if (failed(kernels))
    return failure();
  made.kernels = *kernels;
  for (auto kernel : made.kernels.getOps<LLVM::LLVMFuncOp>()) {
    auto number = [&](StringRef name) {
      auto attribute = kernel->getAttrOfType<IntegerAttr>(name);
      return attribute ? attribute.getInt() : 0;
    };
    auto block = kernel->getAttrOfType<DenseI32ArrayAttr>("gpu.known_block_size");
    if (!block)
      return kernel.emitError("does not say how many threads a block has");
    std::string name = kernel.getSymName().str();
    // A schedule cuts as it likes.
    for (auto &[function, steps] : made.cases.functions)
      for (Launch &launch : steps.launches)
        if (launch.kernel == name)
          launch.grid = readGrid(kernel->getAttrOfType<ArrayAttr>("mlora.grid"));
    made.cases.kernels[name] = {name, unsigned(block[0]), size_t(number("mlora.shared_bytes")),
                                size_t(number("mlora.scratch_bytes")),
                                readTensorMaps(kernel->getAttrOfType<ArrayAttr>("mlora.tensor_maps"))};
  }
  return made;
}

namespace {

/// On either GPU; `code` is what the image speaks of.
class CompiledForGpu : public CompiledCases {
public:
  CompiledForGpu(const cuda::Table &table, GpuCases cases, const void *image,
                 std::unique_ptr<mlir::mlora::LoadedModule> code = nullptr)
      : code(std::move(code)), runner(table, std::move(cases), image) {}
  Outcome run(const Case &oneCase, const Execution &run, const std::vector<std::vector<double>> &arguments,
              const std::vector<std::vector<float>> &before) override {
    return runner.run(oneCase, run, arguments, before);
  }

private:
  std::unique_ptr<mlir::mlora::LoadedModule> code;
  GpuRunner runner;
};

/// What the emulator's driver takes instead of PTX; null with a diagnostic where a kernel has no code.
std::unique_ptr<cuda::EmulatedImage> imageOf(const GpuModule &module, mlir::mlora::LoadedModule &loaded) {
  auto image = std::make_unique<cuda::EmulatedImage>();
  image->staticSharedBytes = loaded.module.staticSharedBytes;
  image->sites = loaded.module.sites;
  for (const auto &global : loaded.module.globals)
    image->constants.push_back({global.name, {global.bytes.begin(), global.bytes.end()}});
  for (const auto &[name, kernel] : module.cases.kernels) {
    auto entry = loaded.find(kernel.symbol);
    if (!entry) {
      module.kernels->emitError("has no code of ") << name << ": " << llvm::toString(entry.takeError());
      return nullptr;
    }
    size_t buffers = 0;
    for (const auto &[function, steps] : module.cases.functions)
      for (const Launch &launch : steps.launches)
        if (launch.kernel == name)
          buffers = launch.buffers.size();
    image->kernels[kernel.symbol] = {name, *entry, unsigned(buffers + 2), kernel.threads,
                                     unsigned(kernel.tensorMaps.size())};
  }
  return image;
}

} // namespace

std::unique_ptr<CompiledCases> EmulateTarget::compile(OwningOpRef<ModuleOp> module, const std::vector<Case> &) {
  DialectRegistry dialects;
  mlir::mlora::registerEmulatorDialects(dialects);
  module->getContext()->appendDialectRegistry(dialects);
  FailureOr<GpuModule> compiled = compileForGpu(*module, chip);
  if (failed(compiled))
    return nullptr;
  auto loaded = mlir::mlora::loadForEmulator(compiled->kernels);
  if (failed(loaded))
    return nullptr;
  auto image = imageOf(*compiled, **loaded);
  if (!image)
    return nullptr;
  return std::make_unique<CompiledForGpu>(cuda::emulated(), std::move(compiled->cases), image.get(),
                                          std::move(*loaded));
}

std::unique_ptr<Target> CudaTarget::make() {
  try {
    ::mlora::installedChip();
    return std::make_unique<CudaTarget>();
  } catch (const std::exception &) {
    return nullptr;
  }
}

std::unique_ptr<CompiledCases> CudaTarget::compile(OwningOpRef<ModuleOp> module, const std::vector<Case> &) {
  DialectRegistry dialects;
  mlir::mlora::registerPTXDialects(dialects);
  module->getContext()->appendDialectRegistry(dialects);
  std::string chip = ::mlora::installedChip();
  FailureOr<GpuModule> compiled = compileForGpu(*module, chip);
  if (failed(compiled))
    return nullptr;
  FailureOr<std::string> ptx =
      mlir::mlora::emitPTX(compiled->kernels, *mlir::mlora::findChip(chip));
  if (failed(ptx))
    return nullptr;
  for (auto &[name, kernel] : compiled->cases.kernels)
    kernel.symbol = mlir::mlora::ptxName(name);
  return std::make_unique<CompiledForGpu>(cuda::nvidia(), std::move(compiled->cases), ptx->c_str());
}

} // namespace optable
