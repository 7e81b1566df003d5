// Files of plain text as training data: documents, in windows of max_length.
#include "Support.h"

#include <cstdlib>

namespace mlora::test {
namespace {

class Texts : public DataTest {
protected:
  static TrainConfig windows(const std::string &path, int64_t length) {
    TrainConfig config = plain({path});
    config.maxLength = length;
    config.maxSteps = -1;
    return config;
  }
  /// Text that is read and text that is trained, of every sequence: "read|trained".
  std::vector<std::string> sequences(const BatchStream &data) const {
    std::vector<std::string> all;
    for (int64_t k = 0; data.hasStep(k); ++k)
      for (const MicroBatch &batch : data.step(k))
        all.push_back(read(batch) + "|" + trained(batch));
    return all;
  }
};

TEST_F(Texts, AFileIsOneDocumentInWindowsThatTrainEveryToken) {
  BatchStream data = stream(windows(write("book.txt", "0123456789\n"), 5));
  EXPECT_EQ(sequences(data), (std::vector<std::string>{"0|1234", "4|5678", "8|9\n</s>"}));
  DataReport report = data.report();
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(report.windowed, 1);
  EXPECT_EQ(report.truncated, 0);
  EXPECT_EQ(report.examples, 3);
  ASSERT_EQ(report.notes().size(), 1u);
  EXPECT_NE(report.notes()[0].find("windows"), std::string::npos) << report.notes()[0];
  // What fits is one window, whole; what is one token longer has a second.
  EXPECT_EQ(sequences(stream(windows(write("short.txt", "0123"), 5))),
            (std::vector<std::string>{"0|123</s>"}));
  EXPECT_EQ(sequences(stream(windows(write("more.txt", "01234"), 5))),
            (std::vector<std::string>{"0|1234", "4|</s>"}));
  // Rows of JSON are cut, as before.
  EXPECT_EQ(sequences(stream(windows(write("row.jsonl", "{\"text\": \"0123456789\"}\n"), 5))),
            (std::vector<std::string>{"0|1234"}));
}

TEST_F(Texts, AFolderIsADocumentAFileAndSplitsAreItsFolders) {
  write("set/b.txt", "bb");
  write("set/a.txt", "\xef\xbb\xbf"
                     "aa\n");
  write("set/notes.md", "not read");
  EXPECT_EQ(sequences(stream(windows(folder / "set", 64))),
            (std::vector<std::string>{"a|a\n</s>", "b|b</s>"}));
  TrainConfig half = windows(folder / "set", 64);
  half.datasets[0].split = "[:50%]";
  EXPECT_EQ(sequences(stream(half)), (std::vector<std::string>{"a|a\n</s>"}));
  write("parted/train/x.txt", "x1");
  write("parted/train/y.txt", "y1");
  write("parted/test.txt", "t1");
  EXPECT_EQ(sequences(stream(windows(folder / "parted", 64))).size(), 2u);
  TrainConfig test = windows(folder / "parted", 64);
  test.datasets[0].split = "test";
  EXPECT_EQ(sequences(stream(test)), (std::vector<std::string>{"t|1</s>"}));
  test.datasets[0].split = "validation";
  EXPECT_NE(complaint(test).find("validation.jsonl"), std::string::npos) << complaint(test);
}

TEST_F(Texts, InStreamedDataToo) {
  setenv("MLORA_CACHE", (folder / "cache").c_str(), 1);
  std::string rows;
  for (int i = 0; i < 6000; ++i)
    rows += "{\"text\": \"<s>" + std::to_string(i) + "</s>\"}\n";
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += "\nline " + std::to_string(i);
  TrainConfig config = windows(write("rows.jsonl", rows), 32);
  config.datasets.push_back({.path = write("long.txt", text)});
  config.packing = config.shuffle = true;
  config.batchSize = 4;
  for (int run = 0; run < 2; ++run) { // the second one's rows come from the cache
    BatchStream data = stream(config);
    std::string whole; // what is trained of the text: rows begin with BOS
    bool isRow = false;
    int64_t steps = 0;
    for (; data.hasStep(steps); ++steps)
      for (const MicroBatch &batch : data.step(steps))
        for (size_t row = 0; row < batch.inputIds.size(); ++row) {
          ASSERT_LE(batch.inputIds[row].size(), 32u);
          for (size_t t = 0; t < batch.inputIds[row].size(); ++t) {
            if (batch.positionIds[row][t] == 0)
              isRow = batch.inputIds[row][t] == ByteTokenizer::bosToken;
            if (!isRow && batch.labels[row][t] != ignoredLabel)
              whole += tokenizer.piece(batch.inputIds[row][t]);
          }
        }
    // All but its first character, once, windows in their order.
    EXPECT_EQ(whole, text.substr(1) + "</s>");
    DataReport report = data.report();
    EXPECT_EQ(report.rows, 6001);
    EXPECT_EQ(report.windowed, 1);
    EXPECT_EQ(report.examples, 6000 + int64_t(text.size() + 1 - 2) / 31 + 1);
    EXPECT_DOUBLE_EQ(data.share(steps), 1);
  }
  unsetenv("MLORA_CACHE");
}

TEST_F(Texts, WhatIsNoTextIsRefused) {
  std::string latin = write("latin.txt", "caf\xe9 au lait");
  EXPECT_NE(complaint(windows(latin, 64)).find("latin.txt: is not UTF-8 at byte 3"), std::string::npos)
      << complaint(windows(latin, 64));
  TrainConfig boolq = windows(write("a.txt", "a"), 64);
  boolq.datasets[0].task = "boolq";
  EXPECT_NE(complaint(boolq).find("a.txt: is plain text, of which task boolq makes no rows"),
            std::string::npos);
  EXPECT_NE(complaint(boolq).find("`task: text`"), std::string::npos);
  EXPECT_NE(complaint(windows(write("empty.txt", ""), 64)).find("none of the 1 rows"), std::string::npos);
  write("none/readme.md", "");
  TrainConfig none = windows(folder / "none", 64);
  EXPECT_NE(complaint(none).find("*.txt"), std::string::npos) << complaint(none);
}

} // namespace
} // namespace mlora::test
