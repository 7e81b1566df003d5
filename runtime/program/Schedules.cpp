#include "mlora/Runtime/Program/Schedules.h"

#include <map>

namespace mlora {

std::vector<std::string> describeSchedules(const Manifest &manifest) {
  std::map<std::string, std::vector<std::string>> kernels;
  size_t count = 0;
  for (const Kernel &kernel : manifest.kernels)
    if (!kernel.schedule.empty() || kernel.library) {
      kernels[kernel.library ? "a library's product" : kernel.schedule].push_back(kernel.name);
      ++count;
    }
  std::vector<std::string> lines;
  if (kernels.empty())
    return lines;
  lines.push_back("schedules of the program's " + std::to_string(count) + " kernels:");
  for (const auto &[schedule, names] : kernels) {
    std::string number = std::to_string(names.size());
    lines.push_back(std::string(number.size() < 5 ? 5 - number.size() : 0, ' ') + number + "  " + schedule);
    for (const std::string &name : schedule.starts_with("general") ? names : std::vector<std::string>())
      lines.push_back("         " + name);
  }
  return lines;
}

} // namespace mlora
