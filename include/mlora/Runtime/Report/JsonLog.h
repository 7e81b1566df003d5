// trainer_log.jsonl: one JSON object a line, in the fields that LLaMA-Factory's tools read.
#pragma once

#include "mlora/Runtime/Report/StepRecord.h"

#include <filesystem>
#include <fstream>

namespace mlora {

class JsonLog : public Report {
public:
  /// What stays of an earlier session: lines of training up to a step, of evaluations up to another, since
  /// one may have been made after the checkpoint of its step. -1: none.
  struct Kept {
    int64_t steps = -1, evaluations = -1;
  };
  /// The log of a resumed run is then that of an undisturbed one. Throws an Error when the file cannot be
  /// written.
  JsonLog(const std::filesystem::path &path, Kept kept);

  void step(const StepRecord &record) override;

  static std::string line(const StepRecord &record);

private:
  std::filesystem::path path;
  std::ofstream file;
};

} // namespace mlora
