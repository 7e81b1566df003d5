#include "CudaKernels.h"

#include "CudaTensorMaps.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Cuda/Emulated.h"
#include "mlora/Runtime/Program/CudaChip.h"

#include <cstdlib>
#include <string_view>

namespace mlora {
namespace {

std::vector<char> fromHex(const JsonFields &fields, const char *key) {
  std::string text = fields.string(key);
  std::vector<char> bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    size_t used = 0;
    std::string digits = text.substr(2 * i, 2);
    bytes[i] = char(std::isxdigit(uint8_t(digits[0])) ? std::stoi(digits, &used, 16) : 0);
    if (used != 2)
      fields.refuse(key, "must be pairs of hexadecimal digits");
  }
  return bytes;
}

/// The buffers that each kernel's launches give it, -1: never launched.
std::vector<int> countBuffers(const Manifest &manifest) {
  std::vector<int> counts(manifest.kernels.size(), -1);
  for (const Section &section : manifest.sections)
    for (const CommandLoop &loop : section.commands)
      for (const Launch &launch : loop.body) {
        int &count = counts[size_t(launch.kernel)];
        if (count >= 0 && count != int(launch.arguments.size()))
          failed("the program launches " + manifest.kernels[size_t(launch.kernel)].name + " on " +
                 std::to_string(count) + " and on " + std::to_string(launch.arguments.size()) + " buffers");
        count = int(launch.arguments.size());
      }
  return counts;
}

/// The CUDA version whose drivers know a version of PTX first (PTX ISA, "Release Notes").
int driverFor(int ptxMajor, int ptxMinor) {
  static constexpr struct {
    int ptx, driver;
  } versions[] = {{80, 12000}, {81, 12010}, {82, 12020}, {83, 12030}, {84, 12040},
                  {85, 12050}, {86, 12070}, {87, 12080}, {88, 12090}, {90, 13000}};
  for (auto version : versions)
    if (10 * ptxMajor + ptxMinor <= version.ptx)
      return version.driver;
  return std::end(versions)[-1].driver;
}

void checkPtxVersion(const cuda::Table &table, const Bundle &bundle) {
  static constexpr std::string_view mark = ".version ";
  size_t at = bundle.ptx.find(mark);
  char *end = nullptr;
  int major = at == std::string::npos ? 0 : int(std::strtol(bundle.ptx.c_str() + at + mark.size(), &end, 10));
  if (major == 0 || *end != '.')
    failed((bundle.folder / bundle.manifest.ptx).string() + ": does not say the version of its PTX");
  int minor = int(std::strtol(end + 1, nullptr, 10)), have = 0;
  check(table, table.driver.driverGetVersion(&have), "cuDriverGetVersion");
  int needed = driverFor(major, minor);
  if (have < needed)
    failed((bundle.folder / bundle.manifest.ptx).string() + ": its PTX " + std::to_string(major) + "." +
           std::to_string(minor) + " needs a driver for CUDA " + cuda::versionText(needed) +
           ", NVIDIA's driver here is for CUDA " + cuda::versionText(have) + ": install a newer one");
}

void checkChip(const CudaGpu &gpu, const Bundle &bundle) {
  auto [major, minor] = gpu.computeCapability();
  std::string own = chipFor(major, minor, gpu.name());
  if (!runsCodeFor(bundle.manifest.chip, major, minor))
    failed((bundle.folder / "manifest.json").string() + ": is for the chip " + bundle.manifest.chip +
           ", and " + gpu.name() + " takes code for " + own + ": ask the compiler for that one");
}

} // namespace

CudaKernels::CudaKernels(const cuda::Table &table, const CudaGpu &gpu, const Bundle &bundle)
    : table(table), manifest(bundle.manifest) {
  std::string where = (bundle.folder / "manifest.json").string();
  for (const Kernel &kernel : manifest.kernels)
    if (!kernel.library && kernel.threads < 1)
      failed(where + ": kernel " + kernel.name + " does not say how many threads a block has");
  table.isEmulated() ? loadEmulated(bundle) : loadPtx(gpu, bundle);
  for (const Kernel &kernel : manifest.kernels) {
    cuda::Function *&function = functions.emplace_back();
    if (kernel.library)
      continue;
    check(table, table.driver.moduleGetFunction(&function, module.get(), kernel.symbol.c_str()),
          ("cuModuleGetFunction of " + kernel.symbol).c_str());
    // More than a block has unasked; a kernel's static part counts, too.
    if (kernel.sharedBytes > 0)
      check(table,
            table.driver.funcSetAttribute(function, cuda::FunctionAttribute::MaxDynamicSharedBytes,
                                          int(kernel.sharedBytes)),
            ("cuFuncSetAttribute of " + kernel.name).c_str());
  }
}

/// A driver that is older than the ptxas that made it may refuse what it takes as PTX.
bool CudaKernels::loadCubin(const CudaGpu &gpu, const Bundle &bundle) {
  auto [major, minor] = gpu.computeCapability();
  if (bundle.cubin.empty() || !isChip(manifest.chip, major, minor))
    return false;
  try {
    module = makeModule(table, bundle.cubin.data(), (bundle.folder / manifest.cubin).string());
    return true;
  } catch (const Error &) {
    return false;
  }
}

void CudaKernels::loadPtx(const CudaGpu &gpu, const Bundle &bundle) {
  checkChip(gpu, bundle);
  if (loadCubin(gpu, bundle))
    return;
  checkPtxVersion(table, bundle);
  module = makeModule(table, bundle.ptx.c_str(), (bundle.folder / manifest.ptx).string());
}

/// program.so, with what `emulator` of the manifest says.
void CudaKernels::loadEmulated(const Bundle &bundle) {
  std::string where = (bundle.folder / "manifest.json").string() + ": emulator";
  JsonFields fields(manifest.emulator, where);
  cuda::EmulatedImage image;
  image.staticSharedBytes = uint32_t(fields.integer("static_shared_bytes"));
  try {
    for (const nlohmann::json &site : manifest.emulator.at("sites"))
      image.sites.push_back({site.at(0).get<std::string>(), site.at(1).get<std::string>()});
    for (const nlohmann::json &constant : manifest.emulator.at("constants")) {
      JsonFields entry(constant, where + ": constants");
      image.constants.push_back({entry.string("name"), fromHex(entry, "bytes")});
      constants += int64_t(image.constants.back().bytes.size());
    }
  } catch (const nlohmann::json::exception &error) {
    failed(where + ": " + error.what());
  }
  std::vector<int> buffers = countBuffers(manifest);
  for (size_t i = 0; i < manifest.kernels.size(); ++i) {
    const Kernel &kernel = manifest.kernels[i];
    if (kernel.library)
      continue;
    // Behind the buffers: the scalars, and scratch.
    image.kernels[kernel.symbol] = {
        kernel.name, reinterpret_cast<emulator::KernelEntry>(bundle.code->address(kernel.symbol)),
        unsigned(buffers[i] + 2), unsigned(kernel.threads), unsigned(kernel.tensorMaps.size())};
  }
  module = makeModule(table, &image, (bundle.folder / manifest.sharedObject).string());
}

void CudaKernels::launch(int number, std::vector<cuda::DevicePointer> &parameters, const Scalars &scalars,
                         int64_t blocks, cuda::Stream *stream) const {
  const Kernel &kernel = manifest.kernels[size_t(number)];
  if (blocks > INT32_MAX) // CUDA C++ Programming Guide, "Compute Capabilities": 2^31 - 1 along x
    failed("kernel " + kernel.name + " needs " + std::to_string(blocks) +
           " blocks, more than a GPU's grid has: lower max_length or per_device_train_batch_size");
  std::vector<void *> pointers;
  for (cuda::DevicePointer &parameter : parameters)
    pointers.push_back(&parameter);
  // The launch copies them, also into a graph.
  std::vector<cuda::TensorMap> maps = encodeTensorMaps(table, kernel, parameters, scalars);
  for (cuda::TensorMap &map : maps)
    pointers.push_back(&map);
  check(table,
        table.driver.launchKernel(functions[size_t(number)], unsigned(blocks), 1, 1, unsigned(kernel.threads),
                                  1, 1, unsigned(kernel.sharedBytes), stream, pointers.data(), nullptr),
        ("cuLaunchKernel of " + kernel.name).c_str());
}

} // namespace mlora
