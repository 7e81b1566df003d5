// The parts of a report. None throws: what fails says so in its place.
#pragma once

#include "Command.h"

#include <functional>

namespace gpucheck {

using Json = nlohmann::ordered_json;

struct Folder {
  std::filesystem::path path; ///< what scripts/gpu-check has made
  Json plan;                  ///< its plan.json: rows of the speed table, what is not built
  std::filesystem::path work; ///< for files that nobody keeps

  std::string program(const char *name) const { return path / "bin" / name; }
};

/// The GPU's name, its driver, the system; `driver` false and `why` where no GPU can be used.
Json machine();
/// Golden tests of unit/goldens on the GPU: a row a test.
Json goldens(const Folder &folder, Commands &commands);
/// Every op against the f64 reference's values: a row a group of cases.
Json opTable(const Folder &folder, Commands &commands, const std::string &chip);
/// The speed table, row by row as `plan.json` orders them, and PyTorch's beside those that say so. `save`
/// keeps what there is.
void speed(const Folder &folder, Commands &commands, Json &report, const std::function<void()> &save);

} // namespace gpucheck
