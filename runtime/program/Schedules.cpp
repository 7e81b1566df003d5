#include "mlora/Runtime/Program/Schedules.h"

#include <map>

namespace mlora {

std::vector<std::string> describeSchedules(const Manifest &manifest) {
  std::map<std::string, std::vector<std::string>> kernels;
  for (const Kernel &kernel : manifest.kernels)
    if (!kernel.schedule.empty())
      kernels[kernel.schedule].push_back(kernel.name);
  std::vector<std::string> lines;
  if (kernels.empty())
    return lines;
  lines.push_back("schedules of the program's " + std::to_string(manifest.kernels.size()) + " kernels:");
  for (const auto &[schedule, names] : kernels) {
    std::string count = std::to_string(names.size());
    lines.push_back(std::string(count.size() < 5 ? 5 - count.size() : 0, ' ') + count + "  " + schedule);
    for (const std::string &name : schedule.starts_with("general") ? names : std::vector<std::string>())
      lines.push_back("         " + name);
  }
  return lines;
}

} // namespace mlora
