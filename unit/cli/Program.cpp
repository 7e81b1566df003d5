// mlora-run as a user meets it: exit status and streams.
#include "Support.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace mlora::test {
namespace {

class Program : public testing::Test {
protected:
  Program() {
    std::string name = std::filesystem::temp_directory_path() / "mlora-run-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~Program() override { std::filesystem::remove_all(folder); }

  /// Runs mlora-run in a shell; fills out, err and status.
  void run(const std::string &words) {
    std::string command = "cd '" + folder.string() + "' && " MLORA_BIN "/mlora-run " + words + " >out 2>err";
    int result = std::system(command.c_str());
    status = WIFEXITED(result) ? WEXITSTATUS(result) : -1;
    out = contents("out");
    err = contents("err");
  }

  void write(const std::string &name, const std::string &text) const { std::ofstream(folder / name) << text; }

  std::string contents(const std::string &name) const {
    std::stringstream text;
    text << std::ifstream(folder / name).rdbuf();
    return text.str();
  }

  std::filesystem::path folder;
  std::string out, err;
  int status = -1;
};

TEST_F(Program, HelpIsOnStandardOutput) {
  run("--help");
  EXPECT_EQ(status, 0);
  for (const char *command :
       {"train", "eval", "generate", "merge", "export", "analyze", "plan", "data", "bench", "inspect"})
    EXPECT_SAYS(out, std::string("\n  ") + command);
  run("train --help");
  EXPECT_EQ(status, 0);
  EXPECT_SAYS(out, "learning_rate (also lr)");
  EXPECT_EQ(err, "");
}

TEST_F(Program, MistakesAreStatus2) {
  run("");
  EXPECT_EQ(status, 2);
  run("trian");
  EXPECT_EQ(status, 2);
  EXPECT_EQ(
      err,
      "mlora-run: error: unknown command 'trian': did you mean 'train'? (`mlora-run --help` lists them)\n");
  run("train learing_rate=1");
  EXPECT_EQ(status, 2);
  EXPECT_SAYS(err, "mlora-run: error: command line: unknown key 'learing_rate'");
  EXPECT_EQ(out, "");
}

TEST_F(Program, LaterCommandsSaySo) {
  for (const char *command : {"analyze", "plan"}) {
    run(command);
    EXPECT_EQ(status, 2);
    EXPECT_EQ(err, "mlora-run: error: `" + std::string(command) + "` is not built yet\n");
  }
}

TEST_F(Program, BatchesAreWhatTrainConsumes) {
  write("rows.jsonl",
        "{\"input_ids\": [1, 2, 3], \"labels\": [-100, 2, 3], \"document_ids\": [0, 0, 0]}\n"
        "{\"input_ids\": [4, 5, 6, 7], \"labels\": [-100, 5, -100, 7], \"document_ids\": [0, 0, 1, 1]}\n"
        "{\"input_ids\": [8, 9]}\n");
  run("data batches datasets=rows.jsonl packing=false shuffle=false per_device_train_batch_size=2 "
      "max_steps=2 "
      "gradient_accumulation_steps=2");
  ASSERT_EQ(status, 0) << err;
  EXPECT_EQ(out.substr(0, out.find("{\"step\":1")),
            "{\"step\":0,\"micro_batch\":0,\"rank\":0,\"input_ids\":[[1,2,3],[4,5,6,7]],"
            "\"labels\":[[-100,2,3],[-100,5,-100,7]],\"position_ids\":[[0,1,2],[0,1,0,1]],"
            "\"document_ids\":[[0,0,0],[0,0,1,1]]}\n"
            "{\"step\":0,\"micro_batch\":1,\"rank\":0,\"input_ids\":[[8,9]],\"labels\":[[-100,9]],"
            "\"position_ids\":[[0,1]],\"document_ids\":[[0,0]]}\n");
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 4);
  run("data batches datasets=rows.jsonl max_length=16 num_train_epochs=3 --json");
  ASSERT_EQ(status, 0) << err;
  nlohmann::json result = nlohmann::json::parse(out);
  EXPECT_EQ(result["batches"].size(), 3u); // one packed sequence an epoch
  EXPECT_EQ(result["report"]["total_steps"], 3);
  run("data batches datasets=rows.jsonl max_steps=0");
  EXPECT_EQ(status, 0);
  EXPECT_EQ(out, "");
}

TEST_F(Program, TasksAreListed) {
  run("data tasks");
  ASSERT_EQ(status, 0) << err;
  EXPECT_SAYS(out, "mmlu        multiple choice");
  run("data tasks --json");
  EXPECT_GE(nlohmann::json::parse(out)["tasks"].size(), 11u);
}

TEST_F(Program, PreviewShowsTokensAndBoundaries) {
  write("rows.jsonl", "{\"input_ids\": [1, 2, 3, 4], \"labels\": [-100, -100, 3, 4]}\n");
  run("data preview datasets=rows.jsonl");
  ASSERT_EQ(status, 0) << err;
  EXPECT_SAYS(out, "row 0, 4 tokens\n  document 0, 4 tokens\n    read     1|2\n    trained  3|4\n");
  run("data preview datasets=rows.jsonl --json");
  EXPECT_EQ(nlohmann::json::parse(out)["rows"][0]["tokens"][3], "4");
  run("data preview datasets=rows.jsonl max_length=3");
  ASSERT_EQ(status, 0) << err;
  EXPECT_SAYS(out, "    trained  3\n    cut      1 more tokens do not fit into max_length\n");
  run("data preview datasets=rows.jsonl max_length=3 --json");
  EXPECT_EQ(nlohmann::json::parse(out)["rows"][0]["cut"], nlohmann::json({1}));
  // Rows of one sequence, and documents of one row.
  write("two.jsonl", "{\"input_ids\": [1, 2, 3, 4, 5], \"labels\": [-100, 2, -100, 4, 5], \"document_ids\": [0, 0, 1, 1, 1]}\n"
                     "{\"input_ids\": [6, 7], \"labels\": [6, 7]}\n");
  run("data preview datasets=two.jsonl max_length=8");
  EXPECT_SAYS(out, "2 rows, 1 sequences and 7 tokens an epoch (4 labels count)");
  EXPECT_SAYS(out, "row 0, 7 tokens\n  document 0, 2 tokens\n    read     1\n    trained  2\n"
                   "  document 1, 3 tokens\n    read     3\n    trained  4|5\n"
                   "  document 2, 2 tokens\n    read     6\n    trained  7\n");
  for (const char *words : {"data datasets=rows.jsonl", "data", "data show"}) {
    run(words);
    EXPECT_EQ(status, 2);
    EXPECT_SAYS(err, "`data` is followed by what to show: `preview` (");
    EXPECT_SAYS(err, "mlora-run data preview model=MODEL datasets=ROWS.jsonl");
  }
  EXPECT_SAYS(err, "not by 'show'");
}

TEST_F(Program, InspectKnowsTokenizers) {
  write("tokenizer.json", R"({"version": "1.0", "added_tokens": [{"id": 2, "content": "<s>", "special": true,
    "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}], "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
    "post_processor": null, "decoder": {"type": "ByteLevel"}, "truncation": null, "padding": null,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "<s>": 2}, "merges": []}})");
  write("tokenizer_config.json", R"({"bos_token": "<s>", "add_bos_token": true})");
  for (const char *words : {".", "tokenizer.json", "tokenizer=."}) {
    run(std::string("inspect --json ") + words);
    ASSERT_EQ(status, 0) << words << ": " << err;
    nlohmann::json json = nlohmann::json::parse(out);
    EXPECT_EQ(json["kind"], "tokenizer");
    EXPECT_EQ(json["vocab_size"], 3);
    EXPECT_EQ(json["bos"]["text"], "<s>");
    EXPECT_EQ(json["eos"], nullptr);
  }
}

TEST_F(Program, TextOfFilesDoesNotActOnTheTerminal) {
  // A GGUF file of one pair, `key` to `value`, of another architecture than ours.
  auto gguf = [&](const std::string &key, const std::string &value) {
    auto text = [](const std::string &s) { return std::string(1, char(s.size())) + std::string(7, 0) + s; };
    const std::string stringType("\x08\0\0\0", 4);
    write("x.gguf", "GGUF" + std::string("\3\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 20) +
                        text("general.architecture") + stringType + text("mpt") + text(key) + stringType +
                        text(value));
  };
  gguf("general.description", "a long one \x1b[2J\xff, with what acts on a terminal and is no UTF-8 in it");
  run("inspect x.gguf");
  EXPECT_EQ(status, 0) << err;
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_SAYS(out, "x1b[2J");
  run("inspect --json x.gguf");
  EXPECT_EQ(status, 0) << err;
  EXPECT_TRUE(nlohmann::json::accept(out));
  gguf(std::string("a\0b\x1b[2J", 7), "");
  run("inspect x.gguf");
  EXPECT_EQ(status, 2);
  EXPECT_SAYS(err, "'a\\x00b\\x1b[2J', holds control characters");
  write("rows.jsonl", "{\"\\u001b[2J\": 1}\n");
  run("data batches datasets=rows.jsonl");
  EXPECT_EQ(status, 2);
  EXPECT_EQ(err.find('\x1b'), std::string::npos) << err;
}

TEST_F(Program, BadDataIsStatus2) {
  write("rows.jsonl", "{\"input_ids\": [1, 2, 3]}\nnot json\n");
  run("data batches datasets=rows.jsonl");
  EXPECT_EQ(status, 2);
  EXPECT_SAYS(err, "mlora-run: error: rows.jsonl:2:");
  write("text.jsonl", "{\"text\": \"hello\"}\n");
  run("data batches datasets=text.jsonl");
  EXPECT_EQ(status, 2);
  EXPECT_SAYS(err, "needs a tokenizer");
}

TEST_F(Program, AFullStandardOutputIsAFailure) {
  write("rows.jsonl", "{\"input_ids\": [1, 2, 3]}\n");
  int result = std::system(("cd '" + folder.string() +
                            "' && " MLORA_BIN "/mlora-run data batches datasets=rows.jsonl >/dev/full 2>err")
                               .c_str());
  EXPECT_EQ(WEXITSTATUS(result), 1);
  EXPECT_SAYS(contents("err"), "standard output could not be written");
}

} // namespace
} // namespace mlora::test
