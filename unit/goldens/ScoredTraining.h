// Training with tasks scored on the way, through the commands that users run: a model of random weights, a
// tokenizer of bytes.
#pragma once

#include "../TempFolder.h"

#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Shuffle.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <deque>
#include <sstream>
#include <sys/wait.h>

namespace mlora::test {

class ScoredTraining : public testing::Test {
protected:
  static constexpr int64_t vocabulary = 260, hidden = 32, inner = 48;

  void SetUp() override {
    writeModel();
    writeTokenizer();
    std::string boolq, rte;
    for (int i = 0; i < 40; ++i) {
      boolq += nlohmann::json{{"passage", std::string(size_t(5 + i % 7), char('a' + i % 20))},
                              {"question", "is it so"},
                              {"label", i % 3 == 0}}
                   .dump() +
               "\n";
      rte += nlohmann::json{{"premise", std::string(size_t(3 + i % 5), char('b' + i % 11))},
                            {"hypothesis", "so it is"},
                            {"label", i % 2 ? "entailment" : "not_entailment"}}
                 .dump() +
             "\n";
    }
    for (const char *split : {"train", "val"}) {
      folder.file(std::string("boolq/") + split + ".jsonl", boolq);
      folder.file(std::string("rte/") + split + ".jsonl", rte);
    }
  }

  void writeModel() {
    folder.file("model/config.json", nlohmann::json{{"architectures", {"LlamaForCausalLM"}},
                                                    {"model_type", "llama"},
                                                    {"vocab_size", vocabulary},
                                                    {"hidden_size", hidden},
                                                    {"intermediate_size", inner},
                                                    {"num_hidden_layers", 2},
                                                    {"num_attention_heads", 2},
                                                    {"num_key_value_heads", 1},
                                                    {"hidden_act", "silu"},
                                                    {"max_position_embeddings", 256},
                                                    {"rms_norm_eps", 1e-5},
                                                    {"tie_word_embeddings", true},
                                                    {"torch_dtype", "float32"}}
                                         .dump());
    SplitMix64 random(3);
    std::deque<std::vector<float>> data;
    std::vector<SafetensorsValue> values;
    auto add = [&](const std::string &name, std::vector<int64_t> shape, bool isNorm = false) {
      std::vector<float> &numbers = data.emplace_back();
      for (int64_t n = shape[0] * (shape.size() > 1 ? shape[1] : 1); n > 0; --n)
        numbers.push_back(isNorm ? 1.0f : float(double(random.next() >> 40) / double(1 << 24) - 0.5) * 0.4f);
      values.push_back({{name + ".weight", "F32", std::move(shape)}, numbers.data()});
    };
    add("model.embed_tokens", {vocabulary, hidden});
    add("model.norm", {hidden}, true);
    for (int layer = 0; layer < 2; ++layer) {
      std::string prefix = "model.layers." + std::to_string(layer) + ".";
      for (const char *norm : {"input_layernorm", "post_attention_layernorm"})
        add(prefix + norm, {hidden}, true);
      add(prefix + "self_attn.q_proj", {hidden, hidden});
      add(prefix + "self_attn.k_proj", {hidden / 2, hidden});
      add(prefix + "self_attn.v_proj", {hidden / 2, hidden});
      add(prefix + "self_attn.o_proj", {hidden, hidden});
      add(prefix + "mlp.gate_proj", {inner, hidden});
      add(prefix + "mlp.up_proj", {inner, hidden});
      add(prefix + "mlp.down_proj", {hidden, inner});
    }
    writeSafetensors(folder / "model/model.safetensors", std::move(values));
  }

  /// A token a byte, by byte-level BPE without merges; 256 ends a text.
  void writeTokenizer() {
    nlohmann::json vocab;
    int others = 0; // bytes that are no printable characters stand for 256 on
    auto letterOf = [&others](int byte) {
      bool isItself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      int point = isItself ? byte : 256 + others++;
      std::string text;
      if (point < 0x80)
        return std::string(1, char(point));
      text += char(0xC0 | (point >> 6));
      text += char(0x80 | (point & 0x3F));
      return text;
    };
    for (int byte = 0; byte < 256; ++byte)
      vocab[letterOf(byte)] = byte;
    vocab["<end>"] = 256;
    nlohmann::json tokenizer = {
        {"version", "1.0"},
        {"added_tokens",
         {{{"id", 256},
           {"content", "<end>"},
           {"special", true},
           {"single_word", false},
           {"lstrip", false},
           {"rstrip", false},
           {"normalized", false}}}},
        {"normalizer", nullptr},
        {"pre_tokenizer",
         {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
        {"post_processor", nullptr},
        {"decoder",
         {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
        {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", nlohmann::json::array()}}}};
    folder.file("model/tokenizer.json", tokenizer.dump());
    folder.file("model/tokenizer_config.json", R"({"eos_token": "<end>"})");
  }

  std::string command(const std::string &words) const {
    return "cd '" + (folder / "").string() + "' && exec " MLORA_BIN "/mlora-run " + words +
           " > out.txt 2> err.txt";
  }
  /// What it prints; its exit status must be `expected`.
  std::string run(const std::string &words, int expected = 0) {
    int status = std::system(command(words).c_str());
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, expected) << words << "\n" << errors();
    return readFile(folder / "out.txt");
  }
  std::string errors() const { return readFile(folder / "err.txt"); }

  /// The log's lines of evaluations.
  std::vector<nlohmann::json> log(const std::string &output) {
    std::vector<nlohmann::json> lines;
    std::istringstream text(readFile(folder / (output + "/trainer_log.jsonl")));
    for (std::string line; std::getline(text, line);)
      if (nlohmann::json json = nlohmann::json::parse(line); json.contains("eval_average"))
        lines.push_back(json);
    return lines;
  }

  static constexpr const char *tasks =
      " eval_tasks='[{task: boolq, path: boolq}, {task: rte, path: rte, limit: 30}]'";
  static std::string train(const std::string &output, const std::string &more) {
    return "train model=model datasets='[boolq, rte]' learning_rate=0.02 max_steps=6 eval_steps=2 "
           "max_length=64 "
           "num_threads=2 logging_steps=1 metric_for_best_model=average load_best_model_at_end=true "
           "output_dir=" +
           output + tasks + " " + more;
  }

  /// The average of `eval` on the output is the log's best, and the best one's checkpoint is the output.
  void expectBest(const std::string &output, const std::string &model) {
    std::vector<nlohmann::json> lines = log(output);
    ASSERT_EQ(lines.size(), 4u); // before, after 2, 4 and 6 steps
    double best = -1;
    for (const nlohmann::json &line : lines) {
      EXPECT_DOUBLE_EQ(line["eval_average"].get<double>(),
                       (line["eval_boolq_acc"].get<double>() + line["eval_rte_acc"].get<double>()) / 2);
      best = std::max(best, line["eval_average"].get<double>());
    }
    nlohmann::json scores = nlohmann::json::parse(run("eval " + model + tasks + std::string(" --json")));
    EXPECT_NEAR(scores["groups"]["average"]["acc,none"].get<double>(), best, 1e-12);
    EXPECT_TRUE(std::filesystem::exists(folder / (output + "/eval/results-6.json")));
  }

  TempFolder folder;
};

} // namespace mlora::test
