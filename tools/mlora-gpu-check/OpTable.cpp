#include "SideBySide.h"

namespace fs = std::filesystem;

namespace gpucheck {
namespace {

/// Of all processes of a group, and of one. What hangs costs the second.
constexpr double groupSeconds = 90, processSeconds = 30;
constexpr size_t mostFailures = 8; // of a group, in words
constexpr size_t threads = 8;

/// A group's row, of what mlora-op-table prints: a line when a run begins, and a line when it is over.
class Group {
public:
  explicit Group(const std::string &name) : row{{"group", name}, {"runs", 0}, {"failed", 0}, {"worst_of_bound", 0.0}} {
    row["failures"] = Json::array();
  }

  /// Where the next process begins: behind the run that has ended this one. None: there is nothing behind it.
  std::optional<size_t> add(const Outcome &outcome) {
    bool hasBegun = false, isOpen = false;
    std::string oneCase;
    size_t number = 0;
    std::istringstream lines(outcome.output);
    for (std::string text; std::getline(lines, text);) {
      Json line = Json::parse(text, nullptr, false);
      if (!line.is_object())
        continue;
      if (line.contains("run")) {
        hasBegun = isOpen = true;
        number = line["run"];
        oneCase = line["case"];
      } else if (isOpen) {
        isOpen = false;
        close(oneCase, line.value("problem", ""));
        results(line);
      }
    }
    if (outcome.problem.empty())
      return std::nullopt;
    if (!hasBegun) {
      row.update(problemOf(outcome));
      return std::nullopt;
    }
    // Behind its last run it can only have ended badly by cleaning up.
    close(isOpen ? oneCase : "behind " + oneCase, outcome.problem);
    return number + 1;
  }

  Json row;

private:
  void close(const std::string &oneCase, const std::string &problem) {
    row["runs"] = row["runs"].get<int>() + 1;
    if (problem.empty())
      return;
    row["failed"] = row["failed"].get<int>() + 1;
    if (row["failures"].size() < mostFailures)
      row["failures"].push_back(oneCase + ": " + problem);
  }

  void results(const Json &line) {
    // JSON has no infinity: such a run has failed in words.
    if (line.contains("of_bound") && line["of_bound"].is_number())
      row["worst_of_bound"] = std::max(row["worst_of_bound"].get<double>(), line["of_bound"].get<double>());
    if (!line.contains("microseconds"))
      return;
    for (const auto &[kernel, value] : line["microseconds"].items()) {
      auto microseconds = value.get<double>();
      Json &longest = row["microseconds"][kernel];
      longest = std::max(longest.is_null() ? 0.0 : longest.get<double>(), microseconds);
      if (microseconds > row.value("slowest_microseconds", 0.0)) {
        row["slowest"] = kernel;
        row["slowest_microseconds"] = microseconds;
      }
    }
  }
};

/// A fault is its process's last: behind it another one begins, so that a broken kernel costs the runs it is in.
Json runGroup(Run &run, const fs::path &cases, const std::string &name, bool times) {
  Clock::time_point end = Clock::now() + std::chrono::seconds(int(groupSeconds));
  Group group(name);
  std::optional<size_t> from = 0;
  while (from) {
    std::vector<std::string> words{run.folder.program("mlora-op-table"), cases.string(), name, std::to_string(*from)};
    if (times)
      words.push_back("--times");
    from = group.add(run.commands.run(words, std::min(processSeconds, secondsUntil(end))));
  }
  return std::move(group.row);
}

} // namespace

void opTable(Run &run, OpTableFor what) {
  bool times = what == OpTableFor::Times;
  Json &table = run.report[times ? "op_times" : "op_table"];
  table = {{"problem", ""}, {"groups", Json::array()}};
  fs::path cases = run.folder.work / "optable" / run.chip();
  if (!fs::exists(cases)) {
    table["problem"] = "the folder holds no op table for " + run.chip();
    return;
  }
  std::vector<std::string> names;
  for (const fs::directory_entry &entry : fs::directory_iterator(cases))
    if (entry.path().extension() == ".json")
      names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  sideBySide(
      names, times ? 1 : threads, [&](const std::string &name) { return runGroup(run, cases, name, times); },
      [&](Json rows) {
        table["groups"] = std::move(rows);
        run.save();
      });
}

} // namespace gpucheck
