// Other programs, each with a limit of time: what crashes or hangs is a line of the report.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gpucheck {

using Clock = std::chrono::steady_clock;

/// Negative behind it.
inline double secondsUntil(Clock::time_point end) { return std::chrono::duration<double>(end - Clock::now()).count(); }

struct Outcome {
  std::string output;  ///< standard output
  std::string problem; ///< why it failed; empty: it did not
};

class Commands {
public:
  /// Their output goes through files of `folder`. None runs longer than until `deadline`.
  Commands(std::filesystem::path folder, Clock::time_point deadline)
      : folder(std::move(folder)), deadline(deadline) {}

  Outcome run(const std::vector<std::string> &words, double limitSeconds) const;
  /// The JSON object that it prints, with `problem` where there is none.
  nlohmann::ordered_json json(const std::vector<std::string> &words, double limitSeconds) const;

private:
  std::filesystem::path folder;
  Clock::time_point deadline;
};

} // namespace gpucheck
