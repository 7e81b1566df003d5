#include "mlora/Runtime/Inference/Sampler.h"
#include "../Expect.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>

using namespace mlora;

namespace {

std::map<int32_t, double> shares(SamplingOptions options, const std::vector<float> &logits,
                                 const std::vector<int32_t> &seen = {}) {
  std::map<int32_t, double> count;
  Sampler sampler(options);
  constexpr int draws = 40000;
  for (int i = 0; i < draws; ++i)
    count[sampler.next(logits, seen)] += 1.0 / draws;
  return count;
}

TEST(Sampler, GreedyTakesTheFirstOfTheLargest) {
  EXPECT_EQ(Sampler({}).next(std::vector<float>{1, 3, 3, 2}, {}), 1);
}

TEST(Sampler, NothingIsDrawnOfWhatIsNotFinite) {
  for (float bad : {NAN, INFINITY, -INFINITY})
    EXPECT_REFUSED(Sampler({}).next(std::vector<float>{1, bad, 3}, {}), "logits are not finite");
}

TEST(Sampler, TemperatureIsTheSoftmaxOfScaledLogits) {
  std::vector<float> logits = {0, 1, 2};
  double total = 1 + std::exp(0.5) + std::exp(1.0);
  auto found = shares({.temperature = 2}, logits);
  EXPECT_NEAR(found[0], 1 / total, 0.01);
  EXPECT_NEAR(found[1], std::exp(0.5) / total, 0.01);
  EXPECT_NEAR(found[2], std::exp(1.0) / total, 0.01);
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  auto found = shares({.temperature = 1, .topK = 2}, {0, 1, 2, -1});
  EXPECT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[2], 1 / (1 + std::exp(-1.0)), 0.01);
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  // Probabilities 0.5, 0.3, 0.2: 0.5 alone reaches 0.5, two of them 0.6.
  std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  EXPECT_EQ(shares({.temperature = 1, .topP = 0.49}, logits).size(), 1u);
  auto found = shares({.temperature = 1, .topP = 0.6}, logits);
  EXPECT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[0], 0.625, 0.01);
  EXPECT_EQ(shares({.temperature = 1, .topP = 0}, logits).size(), 1u);
}

TEST(Sampler, PenaltyDividesPositiveLogitsAndMultipliesNegativeOnes) {
  SamplingOptions options{.repetitionPenalty = 2};
  std::vector<int32_t> seen = {0, 0, 0}; // once, however often it was seen
  EXPECT_EQ(Sampler(options).next(std::vector<float>{3, 2}, seen), 1);
  EXPECT_EQ(Sampler(options).next(std::vector<float>{3, 1}, seen), 0);
  EXPECT_EQ(Sampler(options).next(std::vector<float>{-1, -1.5f}, seen), 1);
}

TEST(Sampler, TheSeedDecides) {
  std::vector<float> logits(50, 0);
  auto drawn = [&](uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed});
    std::vector<int32_t> tokens;
    for (int i = 0; i < 20; ++i)
      tokens.push_back(sampler.next(logits, {}));
    return tokens;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

} // namespace
