#include "mlora/Runtime/Bench/Memory.h"

#include <fstream>
#include <string>

namespace mlora {
namespace {

double statusMib(const std::string &key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":"))
      return std::stod(line.substr(key.size() + 1)) / 1024;
  return 0;
}

} // namespace

double residentMib() { return statusMib("VmRSS"); }
double peakResidentMib() { return statusMib("VmHWM"); }

} // namespace mlora
