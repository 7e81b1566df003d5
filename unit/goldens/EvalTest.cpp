// Scores of every task beside ../shared/data/goldens/eval: SmolLM2-135M-Instruct, dequantised, in f32.

#include "TrainingProgram.h"

#include "mlora/Runtime/Eval/Evaluation.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <cstdlib>
#include <sstream>

using namespace mlora;
using namespace mlora::test;
namespace fs = std::filesystem;

namespace {

struct Golden {
  const char *file; ///< goldens/eval/<file>.json
  const char *task, *path;
};

class EvalGoldens : public testing::Test {
protected:
  void SetUp() override {
    const char *path = std::getenv("MLORA_SMOLLM2");
    model = path && *path ? fs::path(path)
                          : fs::path(MLORA_SOURCE) / "build/models/SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!fs::exists(model))
      GTEST_SKIP() << "no " << model << " (scripts/test fetches it)";
    if (!fs::exists(data / "goldens/eval"))
      GTEST_SKIP() << "no ../shared/data/goldens";
    tokenizer = Tokenizer::open(model);
    base = Checkpoint::open(model);
  }

  std::vector<nlohmann::json> samplesOf(const Golden &golden, const nlohmann::json &expected) {
    DatasetSpec spec{.path = data / golden.path, .task = golden.task, .limit = expected["count"].get<int64_t>()};
    EvaluationOptions options;
    options.context = base->config().maxPositions;
    options.maxNewTokens = expected.value("max_new_tokens", int64_t(0));
    options.stopTokens = {*tokenizer->eos()};
    Evaluation evaluation(std::span(&spec, 1), *tokenizer, options);
    ProgramRequest request;
    request.kind = "generate";
    request.model = model;
    request.method = "none";
    Program program(bundleFor(request), evaluation.capacity());
    loadWeights(program, *base);
    score = evaluation.run(program).front();
    std::vector<nlohmann::json> samples;
    std::istringstream lines(evaluation.samples().front().second);
    for (std::string line; std::getline(lines, line);)
      samples.push_back(nlohmann::json::parse(line));
    return samples;
  }

  nlohmann::json expectedOf(const Golden &golden) const {
    return readJson(data / "goldens/eval" / (std::string(golden.file) + ".json"));
  }

  fs::path data = fs::path(MLORA_SHARED) / "data", model;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Checkpoint> base;
  TaskScore score;
};

constexpr Golden likelihoods[] = {{"boolq", "boolq", "superglue/BoolQ"},
                                  {"multirc", "multirc", "superglue/MultiRC"},
                                  {"rte", "rte", "superglue/RTE"},
                                  {"wic", "wic", "superglue/WiC"},
                                  {"mmlu_abstract_algebra", "mmlu", "mmlu/test/abstract_algebra_test.csv"},
                                  {"mmlu_world_religions", "mmlu", "mmlu/test/world_religions_test.csv"}};

TEST_F(EvalGoldens, ScoresOfAnswers) {
  double worst = 0;
  for (const Golden &golden : likelihoods) {
    nlohmann::json expected = expectedOf(golden);
    std::vector<nlohmann::json> samples = samplesOf(golden, expected);
    ASSERT_EQ(samples.size(), expected["rows"].size()) << golden.file;
    for (size_t i = 0; i < samples.size(); ++i) {
      const nlohmann::json &row = expected["rows"][i], &sample = samples[i];
      ASSERT_EQ(sample["arguments"]["gen_args_0"]["arg_0"], row["prompt"]) << golden.file << " " << i;
      std::vector<std::string> answers = expected["answers"];
      for (size_t k = 0; k < answers.size(); ++k) {
        double got = sample["mean_log_probs"][k], want = row["logprobs"][k];
        EXPECT_NEAR(got, want, 1e-3) << golden.file << " " << i << " " << answers[k];
        EXPECT_NEAR(sample["logits"][k].get<double>(), row["logits"][k].get<double>(), 3e-3);
        worst = std::max(worst, std::abs(got - want));
      }
      EXPECT_EQ(answers[sample["predicted"].get<size_t>()], row["predicted"]) << golden.file << " " << i;
      EXPECT_EQ(answers[sample["target"].get<size_t>()], row["gold"]) << golden.file << " " << i;
    }
    EXPECT_NEAR(score.find("acc")->value, expected["accuracy"].get<double>(), 1e-9) << golden.file;
  }
  std::cout << "log-probabilities off by " << worst << " at most\n";
}

TEST_F(EvalGoldens, Gsm8kTexts) {
  Golden golden{"gsm8k", "gsm8k", "gsm8k"};
  nlohmann::json expected = expectedOf(golden);
  std::vector<nlohmann::json> samples = samplesOf(golden, expected);
  ASSERT_EQ(samples.size(), expected["rows"].size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const nlohmann::json &row = expected["rows"][i];
    EXPECT_EQ(samples[i]["arguments"]["gen_args_0"]["arg_0"], row["prompt"]);
    EXPECT_EQ(samples[i]["resps"][0][0], row["generated"]) << i;
    EXPECT_EQ(samples[i]["target"], row["gold"]);
  }
}

} // namespace
