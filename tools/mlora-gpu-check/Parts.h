// The parts of a report. None throws: what fails says so in its place.
#pragma once

#include "Command.h"

#include <functional>

namespace gpucheck {

using Json = nlohmann::ordered_json;

struct Folder {
  std::filesystem::path path; ///< what scripts/gpu-check has made
  Json plan;                  ///< its plan.json: names of the parts, rows of the speed table, what is not built
  std::filesystem::path work; ///< for files that nobody keeps

  std::string program(const char *name) const { return path / "bin" / name; }
};

/// What a part works with. `save` keeps the report as far as it is: behind every row.
struct Run {
  const Folder &folder;
  Commands &commands;
  Json &report;
  std::function<void()> save;

  bool hasDriver() const { return report["machine"].value("driver", false); }
  std::string chip() const { return report["machine"].value("chip", ""); }
};

/// The GPU's name, its driver, the system; `driver` false and `why` where no GPU can be used.
Json machine();
/// Golden tests of unit/goldens on the GPU: a row a test.
void goldens(Run &run);
/// Every op against the f64 reference's values: a row a group of cases. Processes on one GPU take its time from each
/// other: values come from many at once (part `op_table`), times from one (part `op_times`).
enum class OpTableFor { Values, Times };
void opTable(Run &run, OpTableFor what);
/// The rows of the speed table that are of a part, as `plan.json` orders them.
void speed(Run &run, const std::string &part);
/// PyTorch's side of the rows that say so.
void peers(Run &run);

} // namespace gpucheck
