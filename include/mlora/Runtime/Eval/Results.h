// Scores as lm-evaluation-harness writes them, and as people read them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mlora {

/// One number of a task: `acc`, `acc_norm`, `exact_match`, `word_perplexity`, …
struct MetricValue {
  std::string name;
  double value = 0;
  std::optional<double> error; ///< standard error; absent where the harness has none
  bool higherIsBetter = true;
};

/// Of a task, or of one group of its rows (a subject of MMLU).
struct TaskScore {
  std::string name; ///< the task's, or `<task>_<group>`
  int64_t shots = 0;
  int64_t original = 0, effective = 0; ///< rows that the files hold, and rows that were scored
  int64_t cut = 0;                     ///< prompts longer than the context: cut on the left
  std::vector<MetricValue> metrics;    ///< the first one is the one that `average` takes
  std::vector<TaskScore> groups;       ///< of a mean over groups
  bool isInAverage = false;            ///< of the paper's average

  const MetricValue *find(const std::string &metric) const;
};

/// The mean of values, and its standard error: their sample deviation over the root of their number.
MetricValue meanOf(const std::string &name, std::span<const double> values);

/// The unweighted mean of the first metrics of the tasks that are in the paper's average (MMLU, BoolQ, MultiRC,
/// RTE, WiC); nothing where there is none of them.
std::optional<MetricValue> averageOf(std::span<const TaskScore> scores);

/// What results.json holds: `results`, `groups`, `group_subtasks`, `configs`, `versions`, `n-shot`,
/// `higher_is_better`, `n-samples`, `config`, `date`. `config` says how the scores came about.
nlohmann::ordered_json resultsJson(std::span<const TaskScore> scores, const nlohmann::ordered_json &config);

/// The harness's table in Markdown, a line a metric.
std::string resultsTable(std::span<const TaskScore> scores);

} // namespace mlora
