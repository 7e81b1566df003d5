#include "mlora/Runtime/Train/Schedule.h"

#include <gtest/gtest.h>

using namespace mlora;

namespace {

TEST(Schedule, LinearWarmsUpFromZeroAndFallsToZero) {
  TrainConfig config;
  config.learningRate = 1;
  config.warmupRatio = 0.05;
  Schedule schedule(config, 50); // ceil(2.5) = 3 steps of warm-up
  EXPECT_EQ(schedule.warmupSteps(), 3);
  EXPECT_EQ(schedule.rate(0), 0);
  EXPECT_DOUBLE_EQ(schedule.rate(1), 1.0 / 3);
  EXPECT_DOUBLE_EQ(schedule.rate(3), 1);
  EXPECT_DOUBLE_EQ(schedule.rate(49), 1.0 / 47);
  EXPECT_EQ(schedule.rate(50), 0);
}

TEST(Schedule, ConstantStays) {
  TrainConfig config;
  config.learningRate = 2;
  config.schedule = "constant";
  config.warmupRatio = 0;
  Schedule schedule(config, 10);
  EXPECT_EQ(schedule.rate(0), 2);
  EXPECT_EQ(schedule.rate(9), 2);
}

TEST(Schedule, OverAShareIsTheSameCurve) {
  TrainConfig config;
  config.learningRate = 1;
  config.warmupRatio = 0.1;
  Schedule schedule(config, 100);
  for (int64_t step : {0, 5, 10, 55, 99, 100})
    EXPECT_NEAR(schedule.rateAt(double(step) / 100), schedule.rate(step), 1e-12) << step;
  config.schedule = "constant";
  EXPECT_EQ(Schedule(config, 100).rateAt(0.7), 1);
  config.warmupRatio = 0;
  EXPECT_EQ(Schedule(config, 1).rateAt(0), 1);
}

TEST(Schedule, WithoutWarmUpTheFirstStepHasTheHighestRate) {
  TrainConfig config;
  config.learningRate = 1;
  config.warmupRatio = 0;
  EXPECT_EQ(Schedule(config, 10).rate(0), 1);
}

} // namespace
