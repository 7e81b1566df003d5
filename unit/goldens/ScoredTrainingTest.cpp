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

} // namespace
