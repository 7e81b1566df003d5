// Entries of `datasets`: folders, splits, ranges, limits, weights.
#include "Support.h"

#include <algorithm>

namespace mlora::test {
namespace {

class Datasets : public DataTest {
protected:
  /// Rows {"text": "r0…"}, {"text": "r1…"}, ….
  std::string rows(const std::string &name, int count) const {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += "{\"text\": \"" + std::string(1, char('A' + i)) + "x\"}\n";
    return write(name, text);
  }

  /// First letters of the rows of an epoch.
  std::string letters(const DatasetSpec &spec) const {
    TrainConfig config = plain({});
    config.datasets = {spec};
    BatchStream data = stream(config);
    std::string text;
    for (int64_t k = 0; k < data.stepsPerEpoch(); ++k)
      text += char(data.step(k)[0].inputIds[0][0]);
    return text;
  }
};

TEST_F(Datasets, FolderAndSplit) {
  rows("set/train.jsonl", 3);
  rows("set/test.jsonl", 2);
  EXPECT_EQ(letters({.path = folder / "set"}), "ABC");
  EXPECT_EQ(letters({.path = folder / "set", .split = "test"}), "AB");
  EXPECT_EQ(letters({.path = folder / "set", .split = "test[1:]"}), "B");
  TrainConfig config = plain({});
  config.datasets = {{.path = folder / "set", .split = "dev"}};
  EXPECT_NE(complaint(config).find("test.jsonl, train.jsonl"), std::string::npos) << complaint(config);
  // A folder's test rows are not taken for validation unasked.
  config.validation = {{.path = folder / "set"}};
  TokenizerSource source(tokenizer);
  EXPECT_THROW(validationBatches(config, source), Error);
}

TEST_F(Datasets, RangesAndLimits) {
  std::string file = rows("ten.jsonl", 10);
  EXPECT_EQ(letters({.path = file, .split = "[:3]"}), "ABC");
  EXPECT_EQ(letters({.path = file, .split = "[-2:]"}), "IJ");
  EXPECT_EQ(letters({.path = file, .split = "ten[80%:]"}), "IJ");
  EXPECT_EQ(letters({.path = file, .split = "[2:8]", .limit = 2}), "CD");
  EXPECT_EQ(letters({.path = file, .limit = 100}), "ABCDEFGHIJ");
  for (const char *split : {"[3]", "[:x]", "[:200%]", "[", "other", "[3:"}) {
    TrainConfig config = plain({});
    config.datasets = {{.path = file, .split = split}};
    EXPECT_NE(complaint(config).find("split"), std::string::npos) << split;
  }
}

TEST_F(Datasets, WeightsRepeatOrDraw) {
  std::string file = rows("ten.jsonl", 10);
  EXPECT_EQ(letters({.path = file, .weight = 2}), "ABCDEFGHIJABCDEFGHIJ");
  std::string half = letters({.path = file, .weight = 0.5});
  EXPECT_EQ(half.size(), 5u);
  EXPECT_TRUE(std::is_sorted(half.begin(), half.end()));
  EXPECT_EQ(half, letters({.path = file, .weight = 0.5}));
  EXPECT_EQ(letters({.path = file, .weight = 1.25}).size(), 13u); // 2.5 rounds to 3
  TrainConfig config = plain({});
  config.datasets = {{.path = file, .weight = 0}};
  EXPECT_NE(complaint(config).find("weights"), std::string::npos);
  config.datasets[0].weight = 1e300;
  EXPECT_NE(complaint(config).find("ten.jsonl: weight: 1e+300 makes"), std::string::npos)
      << complaint(config);
}

TEST_F(Datasets, ASeedDrawsTheRowsOfALimit) {
  std::string file = rows("ten.jsonl", 10);
  std::string drawn = letters({.path = file, .limit = 4, .seed = 1});
  EXPECT_EQ(drawn.size(), 4u);
  EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
  EXPECT_EQ(drawn, letters({.path = file, .limit = 4, .seed = 1}));
  EXPECT_NE(drawn, letters({.path = file, .limit = 4, .seed = 2}));
  EXPECT_EQ(letters({.path = file, .limit = 20, .seed = 2}), "ABCDEFGHIJ");
  std::string half = letters({.path = file, .weight = 0.5, .seed = 1});
  EXPECT_NE(half, letters({.path = file, .weight = 0.5, .seed = 2}));
}

TEST_F(Datasets, MixturesAndValidation) {
  TrainConfig config = plain({rows("a.jsonl", 2), rows("b.jsonl", 3)});
  EXPECT_EQ(stream(config).report().rows, 5);
  config.validation = {{.path = rows("v.jsonl", 3)}};
  config.batchSize = 2;
  TokenizerSource source(tokenizer);
  DataReport report;
  std::vector<MicroBatch> batches = validationBatches(config, source, 0, &report);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].inputIds.size(), 2u);
  EXPECT_EQ(batches[1].inputIds.size(), 1u);
  EXPECT_EQ(report.rows, 3);
  config.validation.clear();
  EXPECT_TRUE(validationBatches(config, source).empty());
}

TEST_F(Datasets, LinesAndArraysAreReadAlike) {
  DatasetSpec windows{.path = write("w.jsonl", "\xef\xbb\xbf{\"text\": \"Ax\"}\r\n\r\n{\"text\": \"Bx\"}")};
  EXPECT_EQ(letters(windows), "AB");
  DatasetSpec array{
      .path = write("a.json", "\n[{\"text\": \"A[\\\"]},{x\\\\\"} ,\n{\"text\":\"B\", \"n\": [1,[2]]}]\n")};
  EXPECT_EQ(letters(array), "AB");
}

} // namespace
} // namespace mlora::test
