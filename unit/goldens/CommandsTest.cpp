// eval, generate and merge as users run them: what they write, and what they say of bad input.
#include "ScoredTraining.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/FloatFormats.h"

#include <cstring>
#include <numeric>

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
    for (const json &sample : samples) {
      right += sample["acc"].get<double>();
      EXPECT_EQ(sample["target_hash"], hashHex(sample["target"].dump()));
    }
    EXPECT_DOUBLE_EQ(results["results"][task]["acc,none"].get<double>(), right / rows);
    EXPECT_GT(results["results"][task]["acc_stderr,none"].get<double>(), 0);
    json answers = samples[0]["resps"]; // [[[log-probability, is it greedy]], …], as the harness writes them
    ASSERT_EQ(answers.size(), 2u);
    for (const json &answer : answers) {
      ASSERT_TRUE(answer.is_array() && answer.size() == 1 && answer[0].is_array() && answer[0].size() == 2) << answer;
      EXPECT_TRUE(answer[0][0].is_string());
      EXPECT_TRUE(answer[0][1] == "True" || answer[0][1] == "False");
    }
  }
  EXPECT_EQ(results["config"]["max_length"], 256);
  run(std::string("eval model=model max_length=16") + tasks);
  EXPECT_NE(errors().find("cut on the left"), std::string::npos) << errors();
}

TEST_F(Commands, ScoresThatCannotBeShownAreStillWritten) {
  std::string words = command(std::string("eval model=model output_dir=scores") + tasks);
  int status = std::system(words.replace(words.find("> out.txt"), 9, "> /dev/full").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_NE(errors().find("standard output could not be written"), std::string::npos) << errors();
  EXPECT_TRUE(std::filesystem::exists(folder / "scores/results.json"));
}

// Of NaN no answer is the likeliest, and no token.
TEST_F(Commands, WhatIsNotFiniteIsNoAnswer) {
  std::filesystem::path weights = folder / "model/model.safetensors";
  std::string bytes = readFile(weights);
  uint64_t size;
  std::memcpy(&size, bytes.data(), 8);
  json norm = json::parse(bytes.substr(8, size))["model.norm.weight"];
  ASSERT_EQ(norm["dtype"], "F32");
  uint32_t nan = 0x7fc00000;
  std::memcpy(bytes.data() + 8 + size + norm["data_offsets"][0].get<size_t>(), &nan, 4);
  folder.file("model/model.safetensors", bytes);
  run(std::string("eval model=model") + tasks, 1);
  EXPECT_NE(errors().find("boolq, question 1: its log-probabilities are not finite"), std::string::npos) << errors();
  run("generate model=model prompt=abc", 1);
  EXPECT_NE(errors().find("logits are not finite"), std::string::npos) << errors();
}

TEST_F(Commands, TokensThatEndATextAreThoseOfGenerationConfig) {
  ASSERT_FALSE(generate("prompt=abc").empty());
  std::vector<int> every(json::parse(readFile(folder / "model/config.json"))["vocab_size"].get<size_t>());
  std::iota(every.begin(), every.end(), 0);
  folder.file("model/generation_config.json", json{{"eos_token_id", every}}.dump());
  EXPECT_EQ(generate("prompt=abc"), "");
  folder.file("model/generation_config.json", R"({"eos_token_id": "end"})");
  expectError("generate model=model prompt=abc", "generation_config.json");
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

TEST_F(Commands, TrainingStartsFromAPeftAdapter) {
  run(train("out", "method=lora lora_r=2"));
  run("export model=model adapter=out output_dir=peft format=peft");
  run("train model=model datasets='[boolq]' method=lora adapter=peft max_steps=0 max_length=64 output_dir=again");
  std::string text = generate("prompt=abc", "model=model adapter=out");
  EXPECT_NE(text, generate("prompt=abc"));
  EXPECT_EQ(text, generate("prompt=abc", "model=model adapter=peft"));
  EXPECT_EQ(text, generate("prompt=abc", "model=model adapter=again"));
  expectError("train model=model datasets='[boolq]' adapter=peft lora_r=3 output_dir=other", "lora_r 3 contradicts");
}

TEST_F(Commands, MergeWarnsOfWhatRoundingTook) {
  run("train model=model datasets='[boolq]' method=lora lora_r=2 learning_rate=1e-5 max_steps=2 max_length=64 output_dir=out");
  run("merge model=model adapter=out output_dir=merged dtype=bf16");
  EXPECT_NE(errors().find("warning: rounding left less than 90 % of the update in "), std::string::npos) << errors();
  json report = json::parse(run("merge model=model adapter=out output_dir=exact dtype=f32 --json"));
  EXPECT_EQ(errors().find("warning: rounding"), std::string::npos) << errors();
  EXPECT_EQ(report["layers"].size(), 2u);
}

// One shard with an index is found by its index; another tokenizer than the base's goes beside the weights.
TEST_F(Commands, MergeOfOneShardAndOfANamedTokenizer) {
  run("train model=model datasets='[boolq]' method=lora lora_r=2 max_steps=1 max_length=64 output_dir=out");
  std::filesystem::rename(folder / "model/tokenizer.json", folder / "tok.json");
  std::filesystem::create_directory(folder / "tok");
  std::filesystem::rename(folder / "tok.json", folder / "tok/tokenizer.json");
  SafetensorsFile weights(folder / "model/model.safetensors");
  json map;
  for (const SafetensorsEntry &entry : weights.tensors())
    map[entry.name] = "model-00001-of-00001.safetensors";
  std::filesystem::rename(folder / "model/model.safetensors",
                          folder / "model/model-00001-of-00001.safetensors");
  folder.file("model/model.safetensors.index.json",
              json{{"metadata", json::object()}, {"weight_map", map}}.dump());
  run("merge model=model adapter=out output_dir=merged tokenizer=tok --verify");
  run("generate model=merged max_new_tokens=2 prompt=abc");
}

// Where no dtype is asked for, each tensor keeps its own, not that of most.
TEST_F(Commands, MergeKeepsEachTensorsType) {
  run("train model=model datasets='[boolq]' method=lora lora_r=2 max_steps=1 max_length=64 output_dir=out");
  run("export model=model adapter=out output_dir=peft format=peft"); // knows no fingerprint
  SafetensorsFile weights(folder / "model/model.safetensors");
  const std::string other = "model.layers.0.self_attn.q_proj.weight";
  std::deque<std::vector<float>> data;
  std::vector<uint16_t> halves;
  std::vector<SafetensorsValue> values;
  for (const SafetensorsEntry &entry : weights.tensors()) {
    data.push_back(weights.floats(entry.name));
    values.push_back({{entry.name, "F32", entry.shape}, data.back().data()});
    if (entry.name != other)
      continue;
    for (float value : data.back())
      halves.push_back(floatToBfloat(value));
    values.back() = {{entry.name, "BF16", entry.shape}, halves.data()};
  }
  std::filesystem::copy(folder / "model", folder / "mixed");
  writeSafetensors(folder / "mixed/model.safetensors", std::move(values));
  for (const char *output : {"merged", "merged.gguf"}) {
    run(std::string("merge model=mixed adapter=peft output_dir=") + output);
    json types = json::parse(run(std::string("inspect --json ") + output))["parameters_by_dtype"];
    EXPECT_EQ(types["BF16"], hidden * hidden) << output << types;
    EXPECT_EQ(types.size(), 2u) << output << types;
  }
}

TEST_F(Commands, AFullDiskUnderALongOutputIsNoSuccess) {
  std::string words = command("inspect model --json");
  int status = std::system(words.replace(words.find("> out.txt"), 9, "> /dev/full").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_NE(errors().find("standard output could not be written"), std::string::npos) << errors();
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
