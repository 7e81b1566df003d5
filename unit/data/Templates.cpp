// Rows of each task become the text of FORMATS section 5, with labels on completions and EOS.
#include "Support.h"

namespace mlora::test {

TEST_F(DataTest, CompletionTrainsTheCompletionAndEos) {
  MicroBatch batch = only(R"({"prompt": "Say hi:", "completion": " hi"})");
  EXPECT_EQ(read(batch), "Say hi:");
  EXPECT_EQ(trained(batch), " hi</s>");
}

TEST_F(DataTest, AlpacaWithoutInput) {
  for (const char *row : {R"({"instruction": "Do it.", "input": "", "output": "Done."})",
                          R"({"instruction": "Do it.", "output": "Done."})"}) {
    MicroBatch batch = only(row);
    EXPECT_EQ(read(batch),
              "Below is an instruction that describes a task. Write a response that appropriately "
              "completes the request.\n\n### Instruction:\nDo it.\n\n### Response:");
    EXPECT_EQ(trained(batch), "Done.</s>");
  }
}

TEST_F(DataTest, AlpacaWithInput) {
  MicroBatch batch = only(R"({"instruction": "Add.", "input": "2, 3", "output": "5", "text": "finished"})");
  EXPECT_EQ(read(batch),
            "Below is an instruction that describes a task, paired with an input that provides further "
            "context. Write a response that appropriately completes the request.\n\n### "
            "Instruction:\nAdd.\n\n### Input:\n2, 3\n\n### Response:");
  EXPECT_EQ(trained(batch), "5</s>");
}

TEST_F(DataTest, Gsm8kIsQuestionNewlineAnswer) {
  MicroBatch batch = only(R"({"question": "1+1?", "answer": "<<1+1=2>>2\n#### 2"})");
  EXPECT_EQ(read(batch), "1+1?\n");
  EXPECT_EQ(trained(batch), "<<1+1=2>>2\n#### 2</s>");
}

TEST_F(DataTest, ConversationsTrainTheAssistantsTurns) {
  tokenizer.jinja = "{% for m in messages %}{{ m.role[0] ~ ':' ~ m.content ~ '</s>' }}{% endfor %}"
                    "{% if add_generation_prompt %}a:{% endif %}";
  for (const char *row :
       {R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "x"},
            {"role": "user", "content": "r"}, {"role": "assistant", "content": "y"}]})",
        R"({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "x"},
            {"from": "human", "value": "r"}, {"from": "gpt", "value": "y"}]})"}) {
    std::string line = row;
    std::erase(line, '\n');
    MicroBatch batch = only(line);
    EXPECT_EQ(read(batch), "u:q</s>a:u:r</s>a:");
    EXPECT_EQ(trained(batch), "x</s>y</s>");
  }
}

TEST_F(DataTest, TextTrainsEveryTokenThatSomethingPredicts) {
  MicroBatch batch = only(R"({"text": "Once"})");
  EXPECT_EQ(read(batch), "O");
  EXPECT_EQ(trained(batch), "nce</s>");
}

TEST_F(DataTest, BosComesOnce) {
  tokenizer.beginsWithBos = true;
  EXPECT_EQ(only(R"({"text": "Hi"})").inputIds[0],
            (std::vector<int32_t>{ByteTokenizer::bosToken, 'H', 'i', ByteTokenizer::eosToken}));
  EXPECT_EQ(trained(only(R"({"text": "Hi"})")), "Hi</s>");
  EXPECT_EQ(read(only(R"({"prompt": "<s>Q", "completion": "A"})")), "<s>Q");
}

TEST_F(DataTest, EosComesOnce) {
  EXPECT_EQ(trained(only(R"({"prompt": "Q", "completion": "A</s>"})")), "A</s>");
}

TEST_F(DataTest, TokenAcrossTheBoundaryIsTrained) {
  // Together "a" and "b" are one token, which the prompt alone would not have given.
  MicroBatch batch = only(R"({"prompt": "xa", "completion": "by"})");
  EXPECT_EQ(read(batch), "x");
  EXPECT_EQ(trained(batch), "aby</s>");
}

TEST_F(DataTest, TokenisedRowsAreTakenAsTheyAre) {
  MicroBatch batch = only(
      R"({"input_ids": [5, 6, 7, 8, 9], "labels": [5, 6, -100, 8, 9], "document_ids": [4, 4, 4, 1, 1]})");
  EXPECT_EQ(batch.inputIds[0], (std::vector<int32_t>{5, 6, 7, 8, 9}));
  // The first label of a document never counts.
  EXPECT_EQ(batch.labels[0], (std::vector<int32_t>{-100, 6, -100, -100, 9}));
  EXPECT_EQ(batch.positionIds[0], (std::vector<int32_t>{0, 1, 2, 0, 1}));
  EXPECT_EQ(batch.documentIds[0], (std::vector<int32_t>{0, 0, 0, 1, 1}));
}

TEST_F(DataTest, TokenisedRowsNeedNoTokenizer) {
  TrainConfig config = plain({write("ids.jsonl", R"({"input_ids": [1, 2, 3]})")});
  TokenizerSource none(config);
  EXPECT_EQ(BatchStream(config, none).step(0)[0].labels[0], (std::vector<int32_t>{-100, 2, 3}));
  config = plain({write("text.jsonl", R"({"text": "Hi"})")});
  EXPECT_THROW(BatchStream(config, none), Error);
}

TEST_F(DataTest, FirstLabelOfEveryRowIsIgnored) {
  EXPECT_EQ(only(R"({"input_ids": [1, 2], "labels": [1, 2]})").labels[0], (std::vector<int32_t>{-100, 2}));
}

TEST_F(DataTest, WholePublicFilesAreRead) {
  std::filesystem::path shared = std::filesystem::path(MLORA_SHARED) / "data";
  if (!std::filesystem::exists(shared))
    GTEST_SKIP() << shared << " is not here";
  struct {
    const char *path;
    int64_t rows;
  } files[] = {{"gsm8k/train.jsonl", 7473},
               {"gsm8k/test.jsonl", 1319},
               {"alpaca/alpagasus_claude_t45.json", 5305},
               {"alpaca/alpagasus_random_9k.json", 9229},
               {"alpaca/torchtune_alpaca_tiny.json", 100}};
  for (const auto &file : files) {
    TrainConfig config = plain({shared / file.path});
    config.packing = config.shuffle = true;
    BatchStream data = stream(config);
    EXPECT_EQ(data.report().rows, file.rows) << file.path;
    EXPECT_LE(data.maxSequenceTokens(), config.maxLength) << file.path;
  }
}

} // namespace mlora::test
