// eval, generate and merge as users run them: what they write, and what they say of bad input.
#include "ScoredTraining.h"

using namespace mlora;
using namespace mlora::test;
using nlohmann::json;

namespace {

class Commands : public ScoredTraining {
protected:
  std::vector<json> lines(const std::string &file) {
    std::vector<json> result;
    std::istringstream text(readFile(folder / file));
    for (std::string line; std::getline(text, line);)
      result.push_back(json::parse(line));
    return result;
  }
  std::string generate(const std::string &words, const std::string &model = "model=model") {
    return json::parse(run("generate " + model + " max_new_tokens=8 --json " + words))["text"];
  }
  void expectError(const std::string &words, const std::string &part) {
    run(words, 2);
    EXPECT_NE(errors().find(part), std::string::npos) << words << "\n" << errors();
  }
};

TEST_F(Commands, EvalWritesResultsAndSamples) {
  std::string table = run(std::string("eval model=model output_dir=scores") + tasks);
  EXPECT_NE(table.find("|boolq"), std::string::npos) << table;
  json results = json::parse(readFile(folder / "scores/results.json"));
  for (auto [task, rows] : {std::pair("boolq", 40), std::pair("rte", 30)}) {
    std::vector<json> samples = lines(std::string("scores/samples_") + task + ".jsonl");
    ASSERT_EQ(samples.size(), size_t(rows));
    double right = 0;
    for (const json &sample : samples)
      right += sample["acc"].get<double>();
    EXPECT_DOUBLE_EQ(results["results"][task]["acc,none"].get<double>(), right / rows);
    EXPECT_GT(results["results"][task]["acc_stderr,none"].get<double>(), 0);
  }
  EXPECT_EQ(results["config"]["max_length"], 256);
  run(std::string("eval model=model max_length=16") + tasks);
  EXPECT_NE(errors().find("cut on the left"), std::string::npos) << errors();
}

TEST_F(Commands, ThePromptComesFromAKeyOrStandardInput) {
  folder.file("prompt.txt", "abc\n");
  EXPECT_EQ(generate("< prompt.txt"), generate("prompt=abc"));
  std::string drawn = generate("prompt=abc temperature=1 seed=1");
  EXPECT_EQ(generate("prompt=abc temperature=1 seed=1"), drawn);
  EXPECT_NE(generate("prompt=abc temperature=1 seed=2"), drawn);
  EXPECT_EQ(generate("prompt=abc temperature=1 top_k=1 seed=2"), generate("prompt=abc"));
  folder.file("bad.txt", "ab\xff");
  expectError("generate model=nothere < bad.txt", "the prompt is not UTF-8 at byte 2");
  expectError("generate model=model prompt=", "the prompt is empty");
}

TEST_F(Commands, ALongPromptIsCutOnTheLeft) {
  std::string tail(248, 'b'); // 256 positions, 8 new tokens; the tokenizer has no BOS
  EXPECT_EQ(generate("prompt=" + std::string(100, 'a') + tail), generate("prompt=" + tail));
  run("generate model=model max_new_tokens=8 prompt=" + std::string(100, 'a') + tail);
  EXPECT_NE(errors().find("cut on the left, by 100 tokens"), std::string::npos) << errors();
}

TEST_F(Commands, MessagesGoThroughTheChatTemplate) {
  folder.file("model/tokenizer_config.json",
              json{{"eos_token", "<end>"},
                   {"chat_template", "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
                                     "{% if add_generation_prompt %}[assistant]{% endif %}"}}
                  .dump());
  std::string words = "messages='[{\"role\": \"user\", \"content\": \"hi\"}]'";
  EXPECT_EQ(json::parse(run("generate model=model --json " + words))["prompt"], "[user]hi[assistant]");
  EXPECT_EQ(generate(words), generate("prompt='[user]hi[assistant]'"));
  expectError("generate model=model messages='[]'", "messages");
}

TEST_F(Commands, AnAdapterAtRunTimeIsTheMergedModel) {
  run("train model=model datasets='[boolq, rte]' method=multilora num_branches=2 lora_r=2 learning_rate=0.05 "
      "max_steps=4 "
      "max_length=64 output_dir=out");
  std::string merged = run("merge model=model adapter=out output_dir=merged dtype=f32 --verify");
  EXPECT_NE(merged.find("verified on"), std::string::npos) << merged;
  std::string text = generate("prompt=abc", "model=model adapter=out");
  EXPECT_EQ(text, generate("prompt=abc", "model=merged"));
  EXPECT_NE(text, generate("prompt=abc"));
}

// Scoring, and saving the best, is no training: steps in the log are as fast as they were.
TEST_F(Commands, ScoringDoesNotChangeTheRateOfSteps) {
  run(train("out", "method=lora lora_r=2 eval_steps=1"));
  for (const json &line : lines("out/trainer_log.jsonl"))
    if (line.contains("throughput")) {
      EXPECT_GT(line["throughput"].get<double>(), 0) << line;
    }
}

} // namespace
