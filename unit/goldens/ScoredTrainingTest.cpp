// Tasks scored while training.
#include "ScoredTraining.h"

using namespace mlora;
using namespace mlora::test;

namespace {

TEST_F(ScoredTraining, TheBestAverageIsTheOutput) {
  run(train("out", "method=multilora num_branches=2 lora_r=2"));
  expectBest("out", "model=model adapter=out");
}

TEST_F(ScoredTraining, OfEveryWeightToo) {
  run(train("full", "method=ft"));
  expectBest("full", "model=full");
}

TEST_F(ScoredTraining, ResumedItGoesOnFromTheBestSoFar) {
  run(train("whole", "method=lora lora_r=2 save_steps=1"));
  std::string best = readFile(folder / "whole/mlora_adapter.safetensors");
  run(train("whole", "method=lora lora_r=2 save_steps=1 resume_from_checkpoint=whole/checkpoint-3"));
  EXPECT_EQ(readFile(folder / "whole/mlora_adapter.safetensors"), best);
}

// The best step so far is known, its checkpoint was not kept or lies elsewhere: the run ends with the best of
// what comes.
TEST_F(ScoredTraining, ResumedWithoutTheBestSoFar) {
  run(train("whole", "method=lora lora_r=2 save_steps=2"));
  std::filesystem::path best;
  for (int step : {2, 4})
    if (std::filesystem::exists(folder / ("whole/checkpoint-" + std::to_string(step))))
      best = folder / ("whole/checkpoint-" + std::to_string(step));
  ASSERT_FALSE(best.empty());
  run(train("other", "method=lora lora_r=2 save_steps=2 resume_from_checkpoint='" + best.string() + "'"));
  EXPECT_TRUE(std::filesystem::exists(folder / "other/mlora_adapter.safetensors"));
  EXPECT_NE(errors().find("whose checkpoint is not in other: the best is looked for from here on"),
            std::string::npos)
      << errors();
}

} // namespace
