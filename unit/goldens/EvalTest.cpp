// Scores of every task beside ../shared/data/goldens/eval: SmolLM2-135M-Instruct, dequantised, in f32.

#include "../TempFolder.h"
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
    return evaluate({.path = data / golden.path, .task = golden.task, .limit = expected["count"].get<int64_t>()},
                    expected.value("max_new_tokens", int64_t(0)));
  }

  std::vector<nlohmann::json> evaluate(const DatasetSpec &spec, int64_t maxNewTokens = 0) {
    EvaluationOptions options;
    options.context = base->config().maxPositions;
    options.maxNewTokens = maxNewTokens;
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
    EXPECT_EQ(samples[i]["exact_match"], row["predicted"] == row["gold"] ? 1.0 : 0.0);
  }
  EXPECT_EQ(score.find("exact_match")->value, expected["accuracy"].get<double>());
}

// None of the golden rows is answered within 64 tokens. What repeats itself goes on.
TEST_F(EvalGoldens, ExactMatchOfGsm8k) {
  std::string question;
  for (int i = 0; i < 6; ++i)
    question += "#### 7\n";
  TempFolder folder;
  std::string rows;
  for (const char *answer : {"so #### 7", "so #### 8", "so #### 7.0"})
    rows += nlohmann::json{{"question", question.substr(0, question.size() - 1)}, {"answer", answer}}.dump() + "\n";
  folder.file("rows.jsonl", rows);
  std::vector<nlohmann::json> samples = evaluate({.path = folder.path() / "rows.jsonl", .task = "gsm8k"}, 12);
  ASSERT_EQ(samples.size(), 3u);
  for (auto [i, isRight] : {std::pair(0, 1.0), {1, 0.0}, {2, 0.0}}) {
    EXPECT_EQ(samples[size_t(i)]["filtered_resps"][0], "7") << samples[size_t(i)];
    EXPECT_EQ(samples[size_t(i)]["exact_match"], isRight);
  }
  EXPECT_NEAR(score.find("exact_match")->value, 1.0 / 3, 1e-12);
  EXPECT_NEAR(*score.find("exact_match")->error, std::sqrt((1.0 / 3) * (2.0 / 3) / 2), 1e-12); // of a sample
}

// perplexity.json is transformers' (make_perplexity.py).
TEST_F(EvalGoldens, PerplexityOfTexts) {
  nlohmann::json expected = readJson(fs::path(MLORA_SOURCE) / "unit/goldens/perplexity.json")["rows"];
  TempFolder folder;
  std::string rows;
  double sum = 0, tokens = 0, words = 0, bytes = 0;
  for (const nlohmann::json &row : expected) {
    std::string text = row["text"];
    rows += nlohmann::json{{"text", text}}.dump() + "\n";
    sum += row["nll"].get<double>();
    tokens += row["tokens"].get<double>();
    words += row["words"].get<double>();
    bytes += double(text.size());
  }
  folder.file("texts.jsonl", rows);
  std::vector<nlohmann::json> samples = evaluate({.path = folder.path() / "texts.jsonl", .task = "text"});
  ASSERT_EQ(samples.size(), expected.size());
  for (size_t i = 0; i < samples.size(); ++i)
    EXPECT_NEAR(std::stod(samples[i]["resps"][0][0][0].get<std::string>()), -expected[i]["nll"].get<double>(),
                1e-3 * expected[i]["tokens"].get<double>());
  EXPECT_NEAR(std::log(score.find("perplexity")->value), sum / tokens, 1e-3);
  EXPECT_NEAR(std::log(score.find("word_perplexity")->value), sum / words, 1e-2);
  EXPECT_NEAR(std::log(score.find("byte_perplexity")->value), sum / bytes, 1e-3);
  EXPECT_NEAR(score.find("bits_per_byte")->value, sum / bytes / std::log(2.0), 1e-3);
}

} // namespace
