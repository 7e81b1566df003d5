#include "mlora/Runtime/Eval/Results.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlora;

namespace {

TEST(Results, MeanHasTheSampleDeviationOverTheRoot) {
  std::vector<double> values = {1, 0, 0, 1, 1};
  MetricValue mean = meanOf("acc", values);
  EXPECT_DOUBLE_EQ(mean.value, 0.6);
  EXPECT_NEAR(*mean.error, std::sqrt(0.3 / 5), 1e-12); // sample variance 1.2 / 4
  EXPECT_FALSE(meanOf("acc", std::vector<double>{1}).error);
}

TaskScore scoreOf(const std::string &name, double value, double error, bool isInAverage) {
  TaskScore score;
  score.name = name;
  score.original = 10;
  score.effective = 5;
  score.isInAverage = isInAverage;
  score.metrics = {{"acc", value, error}};
  return score;
}

TEST(Results, AverageIsUnweightedOverThePapersTasks) {
  std::vector<TaskScore> scores = {scoreOf("boolq", 0.6, 0.03, true), scoreOf("rte", 0.4, 0.04, true),
                                   scoreOf("gsm8k", 0.9, 0.1, false)};
  EXPECT_DOUBLE_EQ(averageOf(scores)->value, 0.5);
  EXPECT_NEAR(*averageOf(scores)->error, 0.025, 1e-12);
  EXPECT_FALSE(averageOf(std::vector<TaskScore>{scores[2]}));
}

TEST(Results, AnErrorThatIsNotKnownIsNotZero) {
  std::vector<TaskScore> scores = {scoreOf("boolq", 0.6, 0.03, true), scoreOf("rte", 1, 0, true)};
  scores[1].metrics[0].error.reset(); // of a single row
  EXPECT_FALSE(averageOf(scores)->error);
  auto json = resultsJson(scores, {});
  EXPECT_EQ(json["groups"]["average"]["acc_stderr,none"], "N/A");
  EXPECT_EQ(json["results"]["rte"]["acc_stderr,none"], "N/A");
  EXPECT_NE(resultsTable(scores).find("0.8000"), std::string::npos);
}

TEST(Results, JsonIsTheHarnesss) {
  TaskScore mmlu = scoreOf("mmlu", 0.5, 0.1, true);
  mmlu.shots = 5;
  mmlu.groups = {scoreOf("mmlu_virology", 0.5, 0.2, false)};
  auto json = resultsJson(std::vector<TaskScore>{mmlu}, {{"model", "mlora"}});
  EXPECT_EQ(json["results"]["mmlu"]["acc,none"], 0.5);
  EXPECT_EQ(json["results"]["mmlu"]["acc_stderr,none"], 0.1);
  EXPECT_EQ(json["results"]["mmlu_virology"]["acc,none"], 0.5);
  EXPECT_EQ(json["groups"]["mmlu"]["acc,none"], 0.5);
  EXPECT_EQ(json["group_subtasks"]["mmlu"][0], "mmlu_virology");
  EXPECT_EQ(json["n-shot"]["mmlu"], 5);
  EXPECT_EQ(json["n-samples"]["mmlu"]["original"], 10);
  EXPECT_EQ(json["n-samples"]["mmlu"]["effective"], 5);
  EXPECT_EQ(json["groups"]["average"]["acc,none"], 0.5);
  EXPECT_TRUE(json["higher_is_better"]["mmlu"]["acc"]);
  EXPECT_TRUE(json.contains("date") && json.contains("versions") && json.contains("configs"));
}

TEST(Results, TableHasALineAMetric) {
  TaskScore boolq = scoreOf("boolq", 0.75, 0.05, true);
  boolq.metrics.push_back({"acc_norm", 0.5, 0.06});
  std::string table = resultsTable(std::vector<TaskScore>{boolq});
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 5); // names, rule, two metrics, the average
  EXPECT_NE(table.find("0.7500"), std::string::npos);
  EXPECT_NE(table.find("acc_norm"), std::string::npos);
}

} // namespace
