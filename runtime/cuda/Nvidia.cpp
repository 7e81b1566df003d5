// NVIDIA's libraries by dlopen: one binary runs with and without them.
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Cuda/Cuda.h"

#include <dlfcn.h>

namespace mlora::cuda {
namespace {

constexpr const char *elsewhere = "; device=cpu runs without a GPU";

template <typename Function>
void find(void *library, Function &function, const char *symbol, const char *name) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  if (!function)
    badInput(std::string("device=cuda: ") + name + " has no function " + symbol +
             ": it is older than CUDA 12.0, install a newer one");
}

void *loadDriver() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    badInput(std::string("device=cuda needs NVIDIA's driver, and libcuda.so.1 cannot be loaded (") +
             dlerror() + "): install driver 525 or later" + elsewhere);
  return library;
}

void checkVersion(const DriverTable &driver) {
  int version = 0;
  if (driver.driverGetVersion(&version) != Result::Success || version < leastDriverVersion)
    badInput("device=cuda: NVIDIA's driver is for CUDA " + versionText(version) +
             " at most, and our PTX needs CUDA " + versionText(leastDriverVersion) +
             ": install driver 525 or later" + elsewhere);
}

void initialise(const Table &table) {
  Result result = table.driver.init(0);
  int count = 0;
  if (result == Result::Success)
    result = table.driver.deviceGetCount(&count);
  if (result == Result::NoDevice || (result == Result::Success && count == 0))
    badInput(std::string("device=cuda: NVIDIA's driver finds no GPU (CUDA_VISIBLE_DEVICES may hide it)") +
             elsewhere);
  check(table, result, "cuInit");
}

Table load() {
  Table table;
  void *library = loadDriver();
  // The version first: an old driver lacks functions, and its age is the better message.
  find(library, table.driver.driverGetVersion, "cuDriverGetVersion", "libcuda.so.1");
  checkVersion(table.driver);
#define MLORA_DRIVER_FUNCTION(name, symbol, parameters)                                                      \
  find(library, table.driver.name, symbol, "libcuda.so.1");
#include "mlora/Runtime/Cuda/DriverFunctions.def"
  initialise(table);
  table.keepsContext = true;
  return table;
}

} // namespace

Table &nvidia() {
  static Table table = load();
  return table;
}

void loadBlasLt(Table &table) {
  if (table.blas.create)
    return;
  // cuBLAS 13 needs a driver of CUDA 13; every driver that is taken at all runs cuBLAS 12.
  int version = 0;
  check(table, table.driver.driverGetVersion(&version), "cuDriverGetVersion");
  std::string why;
  for (const char *name : {"libcublasLt.so.13", "libcublasLt.so.12"}) {
    if (version < 13000 && std::string(name).ends_with("13")) {
      why +=
          std::string(name) + ": needs a driver for CUDA 13, this one is for " + versionText(version) + "; ";
      continue;
    }
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      why += std::string(dlerror()) + "; ";
      continue;
    }
    BlasLtTable blas;
#define MLORA_BLASLT_FUNCTION(member, symbol, parameters) find(library, blas.member, symbol, name);
#include "mlora/Runtime/Cuda/BlasLtFunctions.def"
    find(library, blas.statusString, "cublasLtGetStatusString", name);
    find(library, blas.version, "cublasLtGetVersion", name);
    table.blas = blas;
    return;
  }
  badInput("device=cuda: this program's products need cuBLASLt (" + why +
           "): install CUDA's libraries, or name their folder in LD_LIBRARY_PATH");
}

} // namespace mlora::cuda
