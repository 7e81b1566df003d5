// What this process occupies, as the kernel counts it.
#pragma once

namespace mlora {

/// VmRSS and VmHWM of /proc/self/status in MiB.
double residentMib();
double peakResidentMib();

} // namespace mlora
