#include "mlora/Runtime/Program/Device.h"

#include "CpuDevice.h"
#include "EmulatedDevice.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

std::unique_ptr<Device> Device::make(const Bundle &bundle, const Layout &layout, ThreadPool &pool) {
  const std::string &target = bundle.manifest.target;
  if (target == "cpu")
    return std::make_unique<CpuDevice>(bundle, layout, pool);
  if (target == "emulate")
    return std::make_unique<EmulatedDevice>(bundle, layout);
  failed((bundle.folder / "manifest.json").string() + ": is for the target " + target +
         ", which this program cannot run");
}

} // namespace mlora
