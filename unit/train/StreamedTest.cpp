// `mlora-run train` on data of many rows: the number of steps is not known before the rows are tokenised.
#include "Toy.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlora;
using namespace mlora::test;

namespace {

struct StreamedTest : testing::Test {
  static constexpr int count = 5200;
  Toy toy;

  StreamedTest() { writeRows(count); }

  void writeRows(int rows, const std::string &last = "") {
    std::string text;
    for (int row = 0; row < rows; ++row) {
      nlohmann::json ids;
      for (int t = 0; t < 5 + row % 4; ++t)
        ids.push_back((row * 7 + t * 3) % 14);
      text += nlohmann::json{{"input_ids", ids}}.dump() + "\n";
    }
    toy.folder.file("rows.jsonl", text + last);
  }

  std::vector<nlohmann::json> log(const std::string &output) {
    std::vector<nlohmann::json> lines;
    std::ifstream file(toy.folder / (output + "/trainer_log.jsonl"));
    for (std::string line; std::getline(file, line);)
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
};

TEST_F(StreamedTest, RateAndEndFollowTheRowsAndResumingGivesTheSameBits) {
  std::string common =
      "num_train_epochs=1.5 gradient_accumulation_steps=100 save_steps=11 learning_rate=1e-3 "
      "warmup_ratio=0.1 report_to=jsonl";
  Toy::Result result = toy.run(Toy::train("whole", common));
  ASSERT_EQ(result.status, 0) << result.err;
  std::vector<nlohmann::json> whole = log("whole");
  ASSERT_GT(whole.size(), 30u);
  EXPECT_EQ(whole.back()["current_steps"], whole.back()["total_steps"]);
  EXPECT_EQ(whole.back()["percentage"], 100.0);
  EXPECT_NEAR(whole.back()["epoch"].get<double>(), 1.5, 1e-9);
  EXPECT_EQ(whole.front()["lr"], 0.0);
  double share = 0; // before the step
  for (const nlohmann::json &line : whole) {
    double expected = share < 0.1 ? 1e-3 * share / 0.1 : 1e-3 * (1 - share) / 0.9;
    EXPECT_NEAR(line["lr"].get<double>(), expected, 1e-6) << line; // the log rounds its epochs
    share = line["epoch"].get<double>() / 1.5;
    EXPECT_NEAR(line["total_steps"].get<double>(), double(whole.size()), 0.2 * double(whole.size())) << line;
  }
  // The second run finds the tokens in the cache, and goes on from the middle of an epoch.
  result = toy.run(Toy::train("parts", common + " resume_from_checkpoint=whole/checkpoint-22"));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err.find("note: the"), std::string::npos) << result.err;
  EXPECT_EQ(toy.bytes("whole/mlora_adapter.safetensors"), toy.bytes("parts/mlora_adapter.safetensors"));
  EXPECT_EQ(log("parts").back()["total_tokens"], whole.back()["total_tokens"]);
}

TEST_F(StreamedTest, ABadRowEndsTheRunByItsLine) {
  writeRows(count, "{\"input_ids\": [1, \"x\"]}\n");
  Toy::Result result = toy.run(Toy::train("out", "gradient_accumulation_steps=10"));
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("rows.jsonl:5201"), std::string::npos) << result.err;
}

} // namespace
