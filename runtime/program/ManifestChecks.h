// What must hold between the parts of a manifest.
#pragma once

#include "mlora/Runtime/Program/Manifest.h"

namespace mlora {

/// Every index exists, every slot lies inside its region whatever the capacity, every view inside its slot,
/// roles have what they need. Throws Error(BadInput) otherwise.
void checkManifest(const Manifest &manifest, const std::string &where);

} // namespace mlora
