#include "mlora/Runtime/Bench/MachineLimits.h"
#include "mlora/Runtime/Bench/Memory.h"
#include "mlora/Runtime/Bench/StepBench.h"
#include "mlora/Runtime/Cuda/Cuda.h"

#include "../train/Toy.h"

#include <gtest/gtest.h>

using namespace mlora;
using namespace mlora::test;

namespace {

ModelConfig smolLm2() {
  ModelConfig config;
  config.vocabSize = 49152;
  config.hiddenSize = 576;
  config.intermediateSize = 1536;
  config.numLayers = 30;
  config.numHeads = 9;
  config.numKeyValueHeads = 3;
  config.headDim = 64;
  return config;
}

TEST(StepWork, CountsWhatNoStepCanLeaveOut) {
  Adapter adapter;
  adapter.numBranches = 3;
  adapter.rank = 32;
  adapter.targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  // Per linear layer 2·T·(2·in·out + 3·nr·(in + out)), the head 2·T·2·vocab·hidden.
  double layer = 0;
  for (auto [in, out] :
       {std::pair{576, 576}, {576, 192}, {576, 192}, {576, 576}, {576, 1536}, {576, 1536}, {1536, 576}})
    layer += 2.0 * 512 * (2.0 * in * out + 3.0 * 96 * (in + out));
  // Nothing below the lowest layer is trained: q, k and v have no dx there.
  double noInputGradient = 2.0 * 512 * (576.0 * (576 + 96) + 2 * 576.0 * (192 + 96));
  double expected = 30 * layer - noInputGradient + 2.0 * 512 * 2 * 49152 * 576;
  EXPECT_DOUBLE_EQ(StepWork(smolLm2(), &adapter, 512).flops(), expected);
  adapter.targets = {"q_proj"};
  EXPECT_LT(StepWork(smolLm2(), &adapter, 512).flops(), expected);
  // Nothing before down is trained: the lowest layer's cotangents end at its output.
  adapter.targets = {"down_proj"};
  StepWork down(smolLm2(), &adapter, 512);
  EXPECT_EQ(down.layer.size(), 7 + 7 + 4);
  EXPECT_EQ(down.lowest.size(), 7 + 4);
  // Without an adapter: every product twice, forward and down to the embedding.
  adapter.targets = {};
  EXPECT_DOUBLE_EQ(StepWork(smolLm2(), &adapter, 512).flops(),
                   4.0 * 512 * (30 * (2.0 * 576 * 576 + 2.0 * 576 * 192 + 3.0 * 576 * 1536) + 49152.0 * 576));
  // Every weight's gradient is as large as its forward product.
  double full = StepWork(smolLm2(), nullptr, 512).flops();
  EXPECT_DOUBLE_EQ(full,
                   6.0 * 512 * (30 * (2.0 * 576 * 576 + 2.0 * 576 * 192 + 3.0 * 576 * 1536) + 49152.0 * 576));
}

TEST(MachineLimits, AreMeasured) {
  ThreadPool pool(2);
  ProductPeak peak = measurePeak(pool);
  EXPECT_GT(peak.gflops, 0.1);
  EXPECT_FALSE(peak.of.empty());
  EXPECT_GT(measureMemory(pool), 1e6);
  ModelConfig config = smolLm2();
  config.vocabSize = 1024;
  config.numLayers = 2;
  Adapter adapter;
  adapter.rank = 8;
  adapter.targets = {"q_proj"};
  GemmRate rate = measureGemm(StepWork(config, &adapter, 32), pool);
  EXPECT_GT(rate.gflops, 0.1);
  EXPECT_GT(rate.secondsPerStep, 0);
}

/// The calls that a GPU gets, by the emulator, whose rates mean nothing.
TEST(MachineLimits, AreMeasuredByTheCallsOfAGpu) {
  CudaRates rates(cuda::emulated());
  int64_t before = rates.freeBytes();
  EXPECT_GT(rates.copyRate(1 << 20), 0);
  ModelConfig config = smolLm2();
  config.vocabSize = 96;
  config.hiddenSize = 64;
  config.intermediateSize = 128;
  config.numLayers = 2;
  config.numHeads = 2;
  config.numKeyValueHeads = 1;
  config.headDim = 32;
  Adapter adapter;
  adapter.rank = 8;
  adapter.targets = {"q_proj", "down_proj"};
  StepWork work(config, &adapter, 16);
  for (ElementType type : {ElementType::F32, ElementType::BF16}) {
    GemmRate rate = measureGemm(work, rates, type);
    EXPECT_GT(rate.secondsPerStep, 0);
    EXPECT_DOUBLE_EQ(rate.gflops, work.flops() / rate.secondsPerStep / 1e9);
    ProductPeak peak = measurePeak(rates, type, rate, 32);
    EXPECT_GE(peak.gflops, rate.gflops);
    EXPECT_TRUE(peak.of.starts_with("cuBLASLt, ")) << peak.of;
  }
  // Nothing of what was measured is kept but the workspace.
  EXPECT_GE(rates.freeBytes(), before - (64 << 20));
}

TEST(Memory, IsCounted) {
  double before = residentMib();
  std::vector<char> block(64 << 20, 1);
  EXPECT_GT(residentMib(), before + 60);
  EXPECT_GE(peakResidentMib(), residentMib());
  EXPECT_EQ(block[1000], 1);
}

TEST(Bench, JsonHasTheKeysOfTheContract) {
  Toy toy;
  std::string words =
      "bench model=model num_branches=1 lora_r=1 lora_target_modules=q_proj max_length=16 steps=3 "
      "num_threads=2 --json";
  Toy::Result cold = toy.run(words), cached = toy.run(words);
  ASSERT_EQ(cold.status, 0) << cold.err;
  nlohmann::json json = nlohmann::json::parse(cold.out);
  for (const char *key : {"seconds_per_step", "tokens_per_second", "peak_resident_mib", "planned_peak_mib",
                          "compile_seconds", "gemm_gflops", "fma_peak_gflops", "model_gflops"})
    EXPECT_GT(json[key].get<double>(), 0) << key;
  EXPECT_EQ(json["compile"], "cold");
  EXPECT_EQ(nlohmann::json::parse(cached.out)["compile"], "cached");
  EXPECT_EQ(json["losses"].size(), 4u);
  EXPECT_EQ(json["losses"], nlohmann::json::parse(cached.out)["losses"]);
  EXPECT_EQ(json["step_seconds"].size(), 3u);
  EXPECT_EQ(json["kernels"].size(), 6u);
  EXPECT_NE(
      toy.run("bench model=model num_branches=1 lora_r=1 lora_target_modules=q_proj max_length=16 steps=2")
          .out.find("between kernels"),
      std::string::npos);
}

TEST(BenchResult, TellsWhatOffloadHasMoved) {
  BenchResult result;
  result.device = "cuda";
  result.arenaMib = 100;
  result.losses = {1};
  EXPECT_EQ(result.table().find("of the host"), std::string::npos);
  result.hostMib = 40;
  EXPECT_EQ(result.toJson()["planned"]["host_mib"], 40);
  EXPECT_EQ(result.toJson()["planned_peak_mib"], 100) << "of the GPU's memory";
  EXPECT_NE(result.table().find("planned of the host        40 MiB, pinned (offload)"), std::string::npos);
}

TEST(Bench, RandomWeightsNeedAConfigurationAlone) {
  Toy toy;
  std::filesystem::remove(toy.folder / "model/model.safetensors");
  std::string words =
      "bench model=model num_branches=1 lora_r=1 lora_target_modules=q_proj max_length=16 steps=1 "
      "num_threads=1 --json";
  EXPECT_NE(toy.run(words).err.find("model.safetensors"), std::string::npos);
  Toy::Result result = toy.run(words + " weights=random");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(nlohmann::json::parse(result.out)["kernels"][0].contains("megabytes"));
}

} // namespace
