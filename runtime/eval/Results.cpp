#include "mlora/Runtime/Eval/Results.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <numeric>

namespace mlora {
namespace {

/// Of the templates and metrics: counted up when a score would come out differently.
constexpr int taskVersion = 1;

nlohmann::ordered_json errorJson(const MetricValue &metric) {
  return metric.error ? nlohmann::ordered_json(*metric.error) : nlohmann::ordered_json("N/A");
}

void addMetrics(const TaskScore &score, nlohmann::ordered_json &json) {
  json["alias"] = score.name;
  for (const MetricValue &metric : score.metrics) {
    json[metric.name + ",none"] = metric.value;
    json[metric.name + "_stderr,none"] = errorJson(metric);
  }
}

void add(const TaskScore &score, nlohmann::ordered_json &json) {
  addMetrics(score, json["results"][score.name]);
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (const TaskScore &group : score.groups) {
    groups.push_back(group.name);
    add(group, json);
  }
  if (!groups.empty()) {
    addMetrics(score, json["groups"][score.name]);
    json["group_subtasks"][score.name] = groups;
  }
  json["configs"][score.name] = {{"task", score.name}, {"num_fewshot", score.shots}};
  json["versions"][score.name] = taskVersion;
  json["n-shot"][score.name] = score.shots;
  for (const MetricValue &metric : score.metrics)
    json["higher_is_better"][score.name][metric.name] = metric.higherIsBetter;
  json["n-samples"][score.name] = {{"original", score.original}, {"effective", score.effective}};
  if (score.cut > 0)
    json["prompts_cut"][score.name] = score.cut;
}

std::string cell(const std::string &text, size_t width, bool right) {
  std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

void addLines(const TaskScore &score, const std::string &indent, std::vector<std::vector<std::string>> &lines) {
  bool isFirst = true;
  for (const MetricValue &metric : score.metrics) {
    lines.push_back({isFirst ? indent + score.name : "", isFirst ? std::to_string(score.effective) : "",
                     isFirst ? std::to_string(score.shots) : "", metric.name,
                     metric.higherIsBetter ? "↑" : "↓", number(metric.value), metric.error ? "±" : "",
                     metric.error ? number(*metric.error) : ""});
    isFirst = false;
  }
  for (TaskScore group : score.groups) { // of many, the number that counts
    group.metrics.resize(1);
    addLines(group, indent + " - ", lines);
  }
}

} // namespace

const MetricValue *TaskScore::find(const std::string &metric) const {
  auto found = std::ranges::find(metrics, metric, &MetricValue::name);
  return found == metrics.end() ? nullptr : &*found;
}

MetricValue meanOf(const std::string &name, std::span<const double> values) {
  MetricValue result;
  result.name = name;
  auto n = double(values.size());
  if (values.empty())
    return result;
  result.value = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() < 2)
    return result;
  double squares = 0;
  for (double value : values)
    squares += (value - result.value) * (value - result.value);
  result.error = std::sqrt(squares / (n - 1) / n);
  return result;
}

std::optional<MetricValue> averageOf(std::span<const TaskScore> scores) {
  MetricValue result;
  result.name = "acc";
  double count = 0, squares = 0;
  bool isKnown = true;
  for (const TaskScore &score : scores)
    if (score.isInAverage && !score.metrics.empty()) {
      const MetricValue &metric = score.metrics.front();
      result.value += metric.value;
      isKnown = isKnown && metric.error;
      squares += metric.error.value_or(0) * metric.error.value_or(0);
      ++count;
    }
  if (count == 0)
    return std::nullopt;
  result.value /= count;
  if (isKnown)
    result.error = std::sqrt(squares) / count;
  return result;
}

nlohmann::ordered_json resultsJson(std::span<const TaskScore> scores, const nlohmann::ordered_json &config) {
  nlohmann::ordered_json json;
  json["results"] = nlohmann::ordered_json::object();
  for (const TaskScore &score : scores)
    add(score, json);
  if (auto average = averageOf(scores)) {
    nlohmann::ordered_json members = nlohmann::ordered_json::array();
    for (const TaskScore &score : scores)
      if (score.isInAverage)
        members.push_back(score.name);
    json["groups"]["average"] = {{"alias", "average"},
                                 {"acc,none", average->value},
                                 {"acc_stderr,none", errorJson(*average)}};
    json["group_subtasks"]["average"] = members;
  }
  json["config"] = config;
  json["date"] = double(std::time(nullptr));
  return json;
}

std::string resultsTable(std::span<const TaskScore> scores) {
  std::vector<std::vector<std::string>> lines = {
      {"Tasks", "Rows", "n-shot", "Metric", "", "Value", "", "Stderr"}};
  for (const TaskScore &score : scores)
    addLines(score, "", lines);
  if (auto average = averageOf(scores))
    lines.push_back({"average", "", "", average->name, "↑", number(average->value), average->error ? "±" : "",
                     average->error ? number(*average->error) : ""});
  // Arrows and ± are one column wide and more than one byte long.
  auto columnsOf = [](const std::string &text) {
    return size_t(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
  };
  std::vector<size_t> widths(lines[0].size());
  for (const auto &line : lines)
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], columnsOf(line[i]));
  constexpr bool isRight[] = {false, true, true, false, false, true, false, true};
  std::string table;
  for (size_t row = 0; row < lines.size(); ++row) {
    for (size_t i = 0; i < widths.size(); ++i) {
      size_t bytes = widths[i] + lines[row][i].size() - columnsOf(lines[row][i]);
      table += "|" + cell(lines[row][i], bytes, isRight[i]);
    }
    table += "|\n";
    if (row > 0)
      continue;
    for (size_t i = 0; i < widths.size(); ++i)
      table += "|" + std::string(std::max<size_t>(widths[i], 1), '-');
    table += "|\n";
  }
  return table;
}

} // namespace mlora
