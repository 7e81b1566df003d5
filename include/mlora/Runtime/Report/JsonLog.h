// trainer_log.jsonl: one JSON object a line, in the fields that LLaMA-Factory's tools read.
#pragma once

#include "mlora/Runtime/Report/StepRecord.h"

#include <filesystem>
#include <fstream>

namespace mlora {

class JsonLog : public Report {
public:
  /// Keeps the lines of the first `keepSteps` steps of an earlier session (-1: begins anew), so that the log
  /// of a resumed run is that of an undisturbed one. Throws an Error when the file cannot be written.
  JsonLog(const std::filesystem::path &path, int64_t keepSteps);

  void step(const StepRecord &record) override;

  static std::string line(const StepRecord &record);

private:
  std::filesystem::path path;
  std::ofstream file;
};

} // namespace mlora
