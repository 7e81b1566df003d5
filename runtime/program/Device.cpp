#include "mlora/Runtime/Program/Device.h"

#include "CpuDevice.h"
#include "CudaDevice.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <chrono>

namespace mlora {

std::unique_ptr<Device> Device::make(const Bundle &bundle, const Layout &layout, ThreadPool &pool) {
  const std::string &target = bundle.manifest.target;
  if (target == "cpu" && layout.hostBytes() > 0)
    failed((bundle.folder / "manifest.json").string() +
           ": is for the target cpu, all of whose memory is the host's: offload is for a GPU's programs");
  if (target == "cpu")
    return std::make_unique<CpuDevice>(bundle, layout, pool);
  if (target == "emulate")
    return std::make_unique<CudaDevice>(cuda::emulated(), bundle, layout);
  if (target == "cuda") {
    cuda::Table &table = cuda::nvidia();
    if (std::ranges::any_of(bundle.manifest.kernels,
                            [](const Kernel &kernel) { return kernel.library.has_value(); }))
      cuda::loadBlasLt(table);
    return std::make_unique<CudaDevice>(table, bundle, layout);
  }
  failed((bundle.folder / "manifest.json").string() + ": is for the target " + target +
         ", which this program cannot run");
}

void Device::timed(int kernel, const std::function<void()> &launch) {
  auto start = std::chrono::steady_clock::now();
  launch();
  times.emplace_back(kernel, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

} // namespace mlora
