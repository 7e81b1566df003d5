#include "mlora/Runtime/Program/Bundle.h"

namespace mlora {

Bundle Bundle::load(const std::filesystem::path &folder) {
  Manifest manifest = Manifest::read(folder / "manifest.json");
  SharedObject code(folder / manifest.sharedObject, manifest.sharedObjectHash);
  for (const Kernel &kernel : manifest.kernels)
    code.kernel(kernel.symbol);
  return {folder, std::move(manifest), std::move(code)};
}

} // namespace mlora
