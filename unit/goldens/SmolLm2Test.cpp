// SmolLM2-135M-Instruct (Q4_1 GGUF) against ../shared/data/goldens/smollm2: ten training steps, logits,
// greedy text.

#include "TrainingProgram.h"

#include "mlora/Runtime/Model/Safetensors.h"
#include "mlora/Runtime/Inference/TextGenerator.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <cstdlib>

using namespace mlora;
using namespace mlora::test;
namespace fs = std::filesystem;

namespace {

class SmolLm2 : public testing::Test {
protected:
  void SetUp() override {
    const char *path = std::getenv("MLORA_SMOLLM2");
    model = path && *path ? fs::path(path)
                          : fs::path(MLORA_SOURCE) / "build/models/SmolLM2-135M-Instruct.Q4_1.gguf";
    folder = fs::path(MLORA_SHARED) / "data/goldens/smollm2";
    if (!fs::exists(model))
      GTEST_SKIP() << "no " << model << " (scripts/test fetches it)";
    if (!fs::exists(folder))
      GTEST_SKIP() << "no ../shared/data/goldens";
    base = Checkpoint::open(model);
  }

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
  nlohmann::json info = readJson(folder / "case.json"), trajectory = readJson(folder / "trajectory.json");
  ASSERT_EQ(splitmix64(0), 0xe220a8397b1dcdafu);
  ProgramRequest request;
  request.model = model;
  readAdapter(info, request);
  request.capacity.rows = request.capacity.countedRows = request.capacity.kvRows = 128;
  TrainingProgram training(request, *base);
  // The initial adapter is a formula (case.json): tensors are numbered by layer, target, branch, A before B.
  uint64_t seed = info["initial_adapter"]["seed"], number = 0;
  for (int64_t layer = 0; layer < base->config().numLayers; ++layer)
    for (const std::string &target : request.targets)
      for (int64_t branch = 0; branch < request.numBranches; ++branch)
        for (const char *part : {"A", "B"}) {
          std::string name = "layers." + std::to_string(layer) + "." + target + ".branch." +
                             std::to_string(branch) + "." + part;
          const ParameterTensor *tensor = training.parameters.find(name);
          ASSERT_TRUE(tensor) << name;
          std::vector<float> values(tensor->elements());
          for (size_t k = 0; k < values.size(); ++k)
            values[k] = float((double(splitmix64(seed + (number << 32) + k) >> 40) / (1 << 24) * 2 - 1) /
                              std::sqrt(double(tensor->shape[1])));
          training.parameters.write(*tensor, ParameterPart::Value, values);
          ++number;
        }
  training.prepare();

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
    training.expectStep(batch, trajectory[k], k, /*weightDecay=*/0);
  }
}

TEST_F(SmolLm2, LogitsAndGreedyText) {
  auto tokenizer = Tokenizer::open(model);
  ProgramRequest request;
  request.kind = "generate";
  request.model = model;
  request.method = "none";
  request.capacity = {.rows = 256, .countedRows = 1, .kvRows = 512};
  Program program(bundleFor(request), request.capacity);
  loadWeights(program, *base);
  for (const auto &prompt : readJson(folder / "prompts.json")) {
    std::vector<int32_t> ids = prompt["ids"], wanted = prompt["continuation_ids"], top = prompt["top_ids"],
                         made;
    EXPECT_EQ(tokenizer->encode(prompt["text"].get<std::string>()), ids);
    Piece piece{.tokens = ids, .read = {int32_t(ids.size()) - 1}};
    std::span<const float> logits = Inference(program).step(std::span(&piece, 1));
    for (size_t i = 0; i < top.size(); ++i)
      EXPECT_NEAR(logits[top[i]], prompt["top_logits"][i].get<double>(),
                  1e-4 * std::abs(prompt["top_logits"][0].get<double>()));
    GenerationOptions options;
    options.maxNewTokens = int64_t(wanted.size());
    made = TextGenerator(program, *tokenizer).run({ids}, options).front().ids;
    EXPECT_EQ(made, wanted) << prompt["name"];
  }
}

} // namespace
