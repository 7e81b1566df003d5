// SmolLM2-135M-Instruct (Q4_1 GGUF) against ../shared/data/goldens/smollm2: ten training steps, logits, greedy text.

#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Model/Safetensors.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Program/Generator.h"
#include "mlora/Runtime/Program/Parameters.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

using namespace mlora;
namespace fs = std::filesystem;

namespace {

class SmolLm2 : public testing::Test {
protected:
  void SetUp() override {
    const char *path = std::getenv("MLORA_SMOLLM2");
    model = path && *path ? fs::path(path) : fs::path(MLORA_SOURCE) / "build/models/SmolLM2-135M-Instruct.Q4_1.gguf";
    folder = fs::path(MLORA_SHARED) / "data/goldens/smollm2";
    if (!fs::exists(model))
      GTEST_SKIP() << "no " << model << " (scripts/test fetches it)";
    if (!fs::exists(folder))
      GTEST_SKIP() << "no ../shared/data/goldens";
    base = Checkpoint::open(model);
  }
  Bundle bundle(ProgramRequest request) {
    request.model = model;
    return BundleCache(fs::temp_directory_path() / "mlora-test-cache", fs::path(MLORA_BIN) / "mlora-opt").get(request);
  }
  nlohmann::json json(const char *name) { return nlohmann::json::parse(std::ifstream(folder / name)); }

  fs::path model, folder;
  std::unique_ptr<Checkpoint> base;
};

uint64_t splitmix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

TEST_F(SmolLm2, TenSteps) {
  nlohmann::json info = json("case.json"), trajectory = json("trajectory.json");
  ASSERT_EQ(splitmix64(0), 0xe220a8397b1dcdafu);
  ProgramRequest request;
  request.numBranches = info["num_branches"];
  request.loraR = info["lora_r"];
  request.loraAlpha = info["lora_alpha"];
  for (auto &target : info["lora_target_modules"])
    request.targets.push_back(target);
  request.capacity.rows = request.capacity.countedRows = request.capacity.kvRows = 128;
  Program program(bundle(request));
  Parameters parameters(program);
  loadWeights(program, *base);
  // The initial adapter is a formula (case.json): tensors are numbered by layer, target, branch, A before B.
  uint64_t seed = info["initial_adapter"]["seed"], number = 0;
  for (int64_t layer = 0; layer < base->config().numLayers; ++layer)
    for (const std::string &target : request.targets)
      for (int64_t branch = 0; branch < request.numBranches; ++branch)
        for (const char *part : {"A", "B"}) {
          std::string name = "layers." + std::to_string(layer) + "." + target + ".branch." + std::to_string(branch) + "." + part;
          const ParameterTensor *tensor = parameters.find(name);
          ASSERT_TRUE(tensor) << name;
          std::vector<float> values(tensor->elements());
          for (size_t k = 0; k < values.size(); ++k)
            values[k] = float((double(splitmix64(seed + (number << 32) + k) >> 40) / (1 << 24) * 2 - 1) /
                              std::sqrt(double(tensor->shape[1])));
          parameters.write(*tensor, ParameterPart::Value, values);
          ++number;
        }
  program.run("prepare");
  const std::array<float, 1> one{1};
  program.setInput("loss_cotangent", std::span<const float>(one));

  SafetensorsFile batches(folder / "batches.safetensors");
  std::vector<int64_t> ids = batches.integers("input_ids"), labels = batches.integers("labels");
  int64_t tokens = batches.get("input_ids").shape[2];
  for (size_t k = 0; k < trajectory.size(); ++k) {
    MicroBatch batch;
    auto begin = int64_t(k) * tokens;
    batch.inputIds = {{ids.begin() + begin, ids.begin() + begin + tokens}};
    batch.labels = {{labels.begin() + begin, labels.begin() + begin + tokens}};
    batch.labels[0][0] = ignoredLabel; // predicted by nothing
    batch.positionIds = {{}};
    for (int64_t t = 0; t < tokens; ++t)
      batch.positionIds[0].push_back(int32_t(t));
    batch.documentIds = {std::vector<int32_t>(tokens, 0)};
    ProgramInputs inputs = flatten(batch);
    program.setInput("input_ids", inputs.inputIds);
    program.setInput("position_ids", inputs.positionIds);
    program.setInput("document_start", inputs.documentStart);
    program.setInput("counted", inputs.counted);
    program.setInput("targets", inputs.targets);
    Scalars scalars;
    scalars.rows = scalars.kvRows = tokens;
    scalars.countedRows = int64_t(inputs.counted.size());
    program.run("micro_step", scalars);
    program.run("norm");
    double counted = double(scalars.countedRows), norm = program.output("norm")[0] / counted;
    EXPECT_NEAR(program.output("loss")[0] / counted, trajectory[k]["loss"].get<double>(), 1e-3) << "step " << k;
    EXPECT_NEAR(norm, trajectory[k]["grad_norm"].get<double>(), 1e-3 * trajectory[k]["grad_norm"].get<double>());
    double t = double(k + 1), scale = std::min(1.0, 1 / (norm + 1e-6)) / counted;
    const std::array<float, 8> hyper = {trajectory[k]["lr"].get<float>(), 0.9f, 0.999f, 1e-8f, 0,
                                        float(1 - std::pow(double(0.9f), t)), float(1 - std::pow(double(0.999f), t)),
                                        float(scale)};
    program.setInput("hyper", std::span<const float>(hyper));
    program.run("update");
  }
}

TEST_F(SmolLm2, LogitsAndGreedyText) {
  auto tokenizer = Tokenizer::open(model);
  ProgramRequest request;
  request.kind = "generate";
  request.method = "none";
  request.capacity = {.rows = 128, .countedRows = 1, .kvRows = 512};
  Program program(bundle(request));
  loadWeights(program, *base);
  for (const auto &prompt : json("prompts.json")) {
    std::vector<int32_t> ids = prompt["ids"], wanted = prompt["continuation_ids"], top = prompt["top_ids"], made;
    EXPECT_EQ(tokenizer->encode(prompt["text"].get<std::string>()), ids);
    Generator generator(program);
    std::span<const float> logits = generator.append(ids);
    for (size_t i = 0; i < top.size(); ++i)
      EXPECT_NEAR(logits[top[i]], prompt["top_logits"][i].get<double>(), 1e-4 * std::abs(prompt["top_logits"][0].get<double>()));
    while (made.size() < wanted.size()) {
      made.push_back(greedyToken(logits));
      logits = generator.append(std::span<const int32_t>(&made.back(), 1));
    }
    EXPECT_EQ(made, wanted) << prompt["name"];
  }
}

} // namespace
