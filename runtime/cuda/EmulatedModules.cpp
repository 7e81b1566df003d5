// Modules and launches, emulated: kernels that were compiled for runtime/emulator.
#include "Emulation.h"

#include <cstring>
#include <utility>

namespace mlora::cuda {
namespace {

Module &moduleOf(Emulation &device, Module *module) {
  if (!device.modules.contains(module))
    refuse(Result::InvalidHandle, "there is no such module (or it is unloaded)");
  return *module;
}

/// What a driver refuses before anything runs.
void checkLaunch(const Function &function, const emulator::Launch &launch) {
  auto refuseLaunch = [&](const std::string &why) {
    refuse(Result::InvalidValue, "kernel " + function.kernel->name + ": " + why);
  };
  auto list = [](const std::array<uint32_t, 3> &sizes) {
    return "[" + std::to_string(sizes[0]) + ", " + std::to_string(sizes[1]) + ", " +
           std::to_string(sizes[2]) + "]";
  };
  const auto &grid = launch.grid, &block = launch.block;
  if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0 || grid[0] > Emulation::mostGridX ||
      grid[1] > Emulation::mostGridYZ || grid[2] > Emulation::mostGridYZ)
    refuseLaunch("a grid of " + list(grid) + " blocks; expected 1 to [2147483647, 65535, 65535]");
  uint64_t threads = uint64_t(block[0]) * block[1] * block[2];
  if (threads == 0 || threads > Emulation::mostThreads || block[2] > 64)
    refuseLaunch("a block of " + list(block) + " threads; expected 1 to 1024");
  if (function.kernel->threads && (block[0] != function.kernel->threads || block[1] != 1 || block[2] != 1))
    refuseLaunch("a block of " + list(block) + " threads; it is compiled for " +
                 std::to_string(function.kernel->threads));
  if (launch.dynamicSharedBytes > function.mostDynamicBytes)
    refuseLaunch(bytesText(launch.dynamicSharedBytes) + " of dynamic shared memory; without " +
                 "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES it may have " +
                 std::to_string(function.mostDynamicBytes));
}

/// The launch has copies of its own, as a real one has of its parameters.
void passTensorMaps(const EmulatedKernel &kernel, void **given, emulator::Launch &launch) {
  if (kernel.tensorMaps == 0)
    return;
  auto maps = std::make_shared<std::vector<emulator::TensorMap>>(kernel.tensorMaps);
  for (unsigned i = 0; i < kernel.tensorMaps; ++i) {
    std::memcpy(&(*maps)[i], given[i], sizeof(emulator::TensorMap));
    launch.parameters.push_back(reinterpret_cast<uint64_t>(&(*maps)[i]));
  }
  launch.tensorMaps = std::move(maps);
}

} // namespace

Result emulated_moduleLoadDataEx(Module **handle, const void *data, unsigned, JitOption *, void **) {
  return guarded("cuModuleLoadDataEx", [&](Emulation &device) {
    device.checkNotCapturing("cuModuleLoadDataEx");
    const auto *image = static_cast<const EmulatedImage *>(data);
    if (image->begin != EmulatedImage::mark)
      refuse(Result::InvalidImage, "cuModuleLoadDataEx: the emulator takes an EmulatedImage, not PTX");
    if (image->staticSharedBytes > Emulation::sharedBytes)
      refuse(Result::InvalidImage, "cuModuleLoadDataEx: " + bytesText(image->staticSharedBytes) +
                                       " of static shared memory; expected " +
                                       std::to_string(Emulation::sharedBytes) + " at most");
    auto module = std::make_unique<Module>();
    module->image = *image;
    for (const EmulatedConstant &constant : image->constants) {
      if (constant.bytes.empty())
        refuse(Result::InvalidImage, "cuModuleLoadDataEx: the constant " + constant.name + " is empty");
      module->constants.push_back(device.allocate(constant.bytes.size(), constant.name));
      std::memcpy(reinterpret_cast<char *>(module->constants.back()), constant.bytes.data(),
                  constant.bytes.size());
    }
    device.modules.insert(module.get());
    *handle = module.release();
  });
}

Result emulated_moduleUnload(Module *handle) {
  return guarded("cuModuleUnload", [&](Emulation &device) {
    Module &module = moduleOf(device, handle);
    for (Stream *stream : device.streams)
      device.runAll(*stream);
    for (DevicePointer constant : module.constants)
      device.free(constant);
    device.modules.erase(handle);
    delete handle;
  });
}

Result emulated_moduleGetFunction(Function **function, Module *handle, const char *name) {
  return guarded("cuModuleGetFunction", [&](Emulation &device) {
    Module &module = moduleOf(device, handle);
    auto kernel = module.image.kernels.find(name);
    if (kernel == module.image.kernels.end())
      refuse(Result::NotFound, std::string("cuModuleGetFunction: the module has no kernel ") + name);
    auto [place, isNew] = module.functions.try_emplace(
        name, Function{&kernel->second, &module, Emulation::sharedBytes - module.image.staticSharedBytes});
    *function = &place->second;
  });
}

Result emulated_funcSetAttribute(Function *function, FunctionAttribute attribute, int value) {
  return guarded("cuFuncSetAttribute", [&](Emulation &) {
    if (attribute != FunctionAttribute::MaxDynamicSharedBytes)
      refuse(Result::InvalidValue,
             "cuFuncSetAttribute: attribute " + std::to_string(int(attribute)) + " is not emulated");
    unsigned most = Emulation::sharedBytesOptIn - function->module->image.staticSharedBytes;
    if (value < 0 || unsigned(value) > most)
      refuse(Result::InvalidValue, "kernel " + function->kernel->name + ": " + std::to_string(value) +
                                       " bytes of dynamic shared memory; a block has " +
                                       std::to_string(most) + " at most");
    function->mostDynamicBytes = unsigned(value);
  });
}

Result emulated_showNextLaunch(std::vector<DevicePointer> allocations, std::vector<MemoryView> views) {
  return guarded("the views of a launch", [&](Emulation &device) {
    for (const MemoryView &view : views)
      device.allocationOf(view.begin, view.bytes, view.name);
    device.nextViews = {std::move(allocations), std::move(views)};
  });
}

Result emulated_launchKernel(Function *function, unsigned gridX, unsigned gridY, unsigned gridZ,
                             unsigned blockX, unsigned blockY, unsigned blockZ, unsigned dynamicBytes,
                             Stream *handle, void **parameters, void **extra) {
  return guarded("cuLaunchKernel", [&](Emulation &device) {
    LaunchViews shown = std::exchange(device.nextViews, {});
    Stream &stream = device.streamOf(handle);
    const EmulatedKernel &kernel = *function->kernel;
    const Module &module = *function->module;
    emulator::Launch launch;
    launch.kernel = kernel.name;
    launch.entry = kernel.entry;
    launch.grid = {gridX, gridY, gridZ};
    launch.block = {blockX, blockY, blockZ};
    launch.staticSharedBytes = module.image.staticSharedBytes;
    launch.dynamicSharedBytes = dynamicBytes;
    launch.sites = &module.image.sites;
    checkLaunch(*function, launch);
    if (extra || (kernel.parameters + kernel.tensorMaps > 0 && !parameters))
      refuse(Result::InvalidValue,
             "kernel " + kernel.name + ": expected a list of parameters, and no `extra`");
    for (unsigned i = 0; i < kernel.parameters + kernel.tensorMaps; ++i)
      if (!parameters[i])
        refuse(Result::InvalidValue,
               "kernel " + kernel.name + ": parameter " + std::to_string(i) + " is missing");
    for (unsigned i = 0; i < kernel.parameters; ++i) {
      uint64_t value;
      std::memcpy(&value, parameters[i], sizeof value);
      launch.parameters.push_back(value);
    }
    passTensorMaps(kernel, parameters + kernel.parameters, launch);
    launch.parameters.insert(launch.parameters.end(), module.constants.begin(), module.constants.end());
    Operation operation{"kernel " + kernel.name, {}, nullptr};
    // What it writes among them is not known.
    for (const MemoryView &view : shown.views)
      operation.ranges.push_back({view.begin, view.bytes, true});
    operation.run = [&device, launch = std::move(launch), shown = std::move(shown),
                     kernelName = operation.name] {
      device.memory().showAll();
      for (DevicePointer allocation : shown.allocations) {
        size_t bytes = device.allocationOf(allocation, 0, kernelName).bytes;
        std::vector<emulator::GlobalMemory::View> views;
        for (const MemoryView &view : shown.views)
          if (view.begin - allocation < bytes)
            views.push_back({reinterpret_cast<char *>(view.begin), view.bytes, view.name});
        device.memory().showOnly(reinterpret_cast<char *>(allocation), std::move(views));
      }
      if (auto fault = emulator::run(launch, device.memory(), device.launches++))
        refuse(Result::LaunchFailed, fault->name + ": " + fault->message);
    };
    device.enqueue(stream, std::move(operation));
  });
}

} // namespace mlora::cuda
