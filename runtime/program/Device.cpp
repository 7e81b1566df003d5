#include "mlora/Runtime/Program/Device.h"

#include "CpuDevice.h"
#include "EmulatedDevice.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

std::unique_ptr<Device> Device::make(const Bundle &bundle, ThreadPool &pool) {
  const std::string &target = bundle.manifest.target;
  if (target == "cpu")
    return std::make_unique<CpuDevice>(bundle, pool);
  if (target == "emulate")
    return std::make_unique<EmulatedDevice>(bundle);
  failed((bundle.folder / "manifest.json").string() + ": is for the target " + target +
         ", which this program cannot run");
}

} // namespace mlora
