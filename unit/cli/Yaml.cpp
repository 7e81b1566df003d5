// The configuration file: types, lines in messages, precedence, and what is written back.
#include "Support.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace mlora::test {
namespace {

class Yaml : public testing::Test {
protected:
  Yaml() {
    std::string name = std::filesystem::temp_directory_path() / "mlora-yaml-XXXXXX";
    folder = mkdtemp(name.data());
    file = folder / "train.yaml";
  }
  ~Yaml() override { std::filesystem::remove_all(folder); }

  Arguments read(const std::string &text, std::vector<std::string> words = {}) const {
    std::ofstream(file) << text;
    words.insert(words.begin(), file);
    return readTrain(words);
  }

  std::string says(const std::string &text, std::vector<std::string> words = {}) const {
    std::ofstream(file) << text;
    words.insert(words.begin(), file);
    return trainComplaint(words);
  }

  std::filesystem::path folder;
  std::string file;
};

TEST_F(Yaml, TypesAndNesting) {
  Config config = read("lr: 2e-3\n"
                       "packing: no\n"
                       "lora_target_modules: [q_proj, v_proj]\n"
                       "validation:\n"
                       "  - {path: a.json, task: alpaca}\n"
                       "  - b.jsonl\n"
                       "max_steps: null\n"
                       "seed: 7 # a comment\n"
                       "tokenizer: \"a: b\"\n")
                      .config;
  EXPECT_EQ(config.learningRate, 2e-3);
  EXPECT_FALSE(config.packing);
  EXPECT_EQ(config.targetModules, (std::vector<std::string>{"q_proj", "v_proj"}));
  ASSERT_EQ(config.validation.size(), 2u);
  EXPECT_EQ(config.validation[0], (DatasetSpec{.path = "a.json", .task = "alpaca"}));
  EXPECT_EQ(config.validation[1].path, "b.jsonl");
  EXPECT_EQ(config.maxSteps, -1);
  EXPECT_EQ(config.seed, 7u);
  EXPECT_EQ(config.tokenizer, "a: b");
}

TEST_F(Yaml, TheCommandLineWins) {
  EXPECT_EQ(read("seed: 1\n", {"seed=2"}).config.seed, 2u);
  EXPECT_EQ(read("lr: 1\n", {"learning_rate=2"}).config.learningRate, 2);
  // Even when it stands before the file.
  std::ofstream(file) << "seed: 1\n";
  EXPECT_EQ(readTrain({"seed=2", file}).config.seed, 2u);
}

TEST_F(Yaml, MistakesNameFileAndLine) {
  EXPECT_SAYS(says("seed: 1\nlearing_rate: 2\n"),
              file + ":2: unknown key 'learing_rate': did you mean 'learning_rate'");
  EXPECT_SAYS(says("seed: 1\n\nmax_length: long\n"),
              file + ":3: max_length: expected a whole number from 2 to 16777216, got 'long'");
  EXPECT_SAYS(says("max_length: [1]\n"), file + ":1: max_length: expected a whole number from 2 to 16777216, got a list");
  EXPECT_SAYS(says("datasets:\n  - path: x\n    limit: few\n"),
              file + ":3: datasets.limit: expected a whole number");
  EXPECT_SAYS(says("seed: 1\nseed: 2\n"), file + ":2: seed was given before, in line 1");
  EXPECT_SAYS(says("learning_rate: 1\nlr: 2\n"), file + ":2: lr was given before, in line 1");
  EXPECT_SAYS(says("seed: 1\n  bad: [\n"), file + ":2: not YAML");
  EXPECT_SAYS(says("- a\n- b\n"), file + ":1: expected keys and values");
  EXPECT_SAYS(says("? [a]\n: 1\n"), file + ":1: expected a key, got a list");
  EXPECT_SAYS(says("seed: 1\n---\nseed: 2\n"), "one YAML document, got 2");
  EXPECT_SAYS(trainComplaint({folder / "absent.yaml"}), "absent.yaml");
}

TEST_F(Yaml, KeysOfOtherCommandsArePassedOver) {
  EXPECT_FALSE(read("prompt: Hello\nseed: 1\n").has("prompt"));
  EXPECT_EQ(read("").config.seed, Config{}.seed);
}

TEST_F(Yaml, BranchesOfAFileGiveWayToLoraOnTheCommandLine) {
  EXPECT_EQ(read("num_branches: 3\n", {"method=lora"}).config.numBranches, 1);
  EXPECT_SAYS(says("num_branches: 3\nmethod: lora\n"), file + ":1: num_branches: method=lora has one branch");
}

TEST_F(Yaml, PathsAreFoundBesideTheFile) {
  std::ofstream(folder / "rows.jsonl") << "{}\n";
  Config config = read("validation: [rows.jsonl, elsewhere.jsonl]\n").config;
  EXPECT_EQ(config.validation[0].path, folder / "rows.jsonl");
  EXPECT_EQ(config.validation[1].path, "elsewhere.jsonl");
}

TEST_F(Yaml, ResolvedConfigurationReadsBackEqual) {
  Config config = read("lr: 0.1\n"
                       "lora_alpha: 12.5\n"
                       "warmup_ratio: 0.30000000000000004\n"
                       "tokenizer: \"quote \\\" colon: null ünï\"\n"
                       "adapter: \"null\"\n"
                       "memory_budget: 1GiB\n"
                       "report_to: none\n"
                       "validation: [{path: v, split: 'train[:10%]', limit: 0, weight: 0.1, seed: 18446744073709551615}, w]\n"
                       "max_steps: 0\n")
                      .config;
  Arguments again{.command = Command::Train, .config = {}, .words = {}, .given = {}};
  readYaml(toYaml(config, Command::Train), "config.yaml", again);
  resolve(again);
  EXPECT_EQ(again.config, config);
  EXPECT_EQ(toYaml(again.config, Command::Train), toYaml(config, Command::Train));
}

} // namespace
} // namespace mlora::test
