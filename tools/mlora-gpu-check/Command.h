// Other programs, each with a limit of time: what crashes or hangs is a line of the report.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gpucheck {

using Clock = std::chrono::steady_clock;

/// Negative behind it.
inline double secondsUntil(Clock::time_point end) { return std::chrono::duration<double>(end - Clock::now()).count(); }

struct Outcome {
  std::string output;  ///< standard output
  std::string problem; ///< why it failed, in a line; empty: it did not
  std::string said;    ///< where it failed: the end of what it wrote to standard error, else to standard output
};

/// `problem` and `said`, as a row of the report has them.
nlohmann::ordered_json problemOf(const Outcome &outcome);

/// May be used by several threads.
class Commands {
public:
  /// Their output goes through files of `folder`; what those say that fail is added to `log`. None runs longer than until
  /// `deadline`.
  Commands(std::filesystem::path folder, std::filesystem::path log, Clock::time_point deadline)
      : folder(std::move(folder)), log(std::move(log)), deadline(deadline) {}

  Outcome run(const std::vector<std::string> &words, double limitSeconds);
  /// The JSON object that it prints, with `problem` where there is none.
  nlohmann::ordered_json json(const std::vector<std::string> &words, double limitSeconds);

private:
  void keep(const std::vector<std::string> &words, const std::string &problem, const std::string &err,
            const std::string &out);

  std::filesystem::path folder, log;
  Clock::time_point deadline;
  std::atomic<int> count = 0;
  std::mutex logging;
};

} // namespace gpucheck
