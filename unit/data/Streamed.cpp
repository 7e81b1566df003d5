// Data of many rows: tokenised ahead of training, kept for the next run, and the same whatever the timing.
#include "Support.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <set>
#include <thread>

namespace mlora::test {
namespace {

constexpr int count = 6000;

class Streamed : public DataTest {
protected:
  class CountingTokenizer : public ByteTokenizer {
  public:
    mutable std::atomic<int64_t> texts = 0;
    std::vector<int32_t> encode(std::string_view text) const override {
      ++texts;
      return ByteTokenizer::encode(text);
    }
  };

  Streamed() {
    setenv("MLORA_CACHE", (folder / "cache").c_str(), 1);
    std::string text;
    for (int i = 0; i < count; ++i)
      text += row(i);
    file = write("rows.jsonl", text);
  }
  ~Streamed() override { unsetenv("MLORA_CACHE"); }

  static std::string row(int i) {
    return "{\"text\": \"" + std::to_string(10000 + i) + std::string(i * 7 % 8, 'z') + "\"}\n";
  }

  TrainConfig config() const {
    TrainConfig config = plain({file});
    config.packing = config.shuffle = true;
    config.maxLength = 64;
    config.batchSize = 2;
    config.accumulation = 3;
    return config;
  }

  /// The numbers of the rows that a step holds.
  static std::vector<int> numbers(const std::vector<MicroBatch> &step) {
    std::vector<int> found;
    for (const MicroBatch &batch : step)
      for (size_t row = 0; row < batch.inputIds.size(); ++row)
        for (size_t t = 0; t < batch.inputIds[row].size(); ++t)
          if (batch.positionIds[row][t] == 0) {
            int number = 0;
            for (size_t digit = t; digit < t + 5; ++digit)
              number = number * 10 + (batch.inputIds[row][digit] - '0');
            found.push_back(number - 10000);
          }
    return found;
  }

  static bool same(const std::vector<MicroBatch> &a, const std::vector<MicroBatch> &b) {
    return std::ranges::equal(a, b, [](const MicroBatch &x, const MicroBatch &y) {
      return x.inputIds == y.inputIds && x.labels == y.labels && x.positionIds == y.positionIds &&
             x.documentIds == y.documentIds;
    });
  }

  std::filesystem::path cached() const {
    for (const auto &entry : std::filesystem::directory_iterator(folder / "cache/rows"))
      return entry.path();
    return {};
  }

  std::string file;
  CountingTokenizer counting;
  TokenizerSource countingSource{counting};
};

TEST_F(Streamed, AnEpochSeesEveryRowOnceInADifferentOrder) {
  TrainConfig twice = config();
  twice.epochs = 2;
  BatchStream data = stream(twice);
  std::vector<int> order;
  int64_t k = 0;
  for (; data.hasStep(k); ++k) {
    std::vector<int> step = numbers(data.step(k));
    order.insert(order.end(), step.begin(), step.end());
  }
  EXPECT_TRUE(data.step(k).empty());
  EXPECT_EQ(data.totalSteps(), k);
  ASSERT_EQ(order.size(), size_t(2 * count));
  for (int epoch : {0, 1}) {
    std::set<int> seen(order.begin() + epoch * count, order.begin() + (epoch + 1) * count);
    EXPECT_EQ(seen.size(), size_t(count)) << epoch;
  }
  EXPECT_FALSE(std::equal(order.begin(), order.begin() + count, order.begin() + count));
  EXPECT_FALSE(std::is_sorted(order.begin(), order.begin() + 100));
  DataReport report = data.report();
  EXPECT_EQ(report.rows, count);
  EXPECT_EQ(report.examples, count);
  // Packing loses little: rows of 6 to 13 tokens in sequences of 64.
  EXPECT_GT(double(report.tokens), 0.95 * 64 * double(report.sequences));
}

TEST_F(Streamed, AnyStepIsTheSameHoweverItIsReached) {
  BatchStream forward = stream(config()), jumping = stream(config());
  int64_t last = 60;
  std::vector<MicroBatch> late = jumping.step(last);
  for (int64_t k = 0; k <= last; ++k) {
    std::vector<MicroBatch> step = forward.step(k);
    EXPECT_EQ(step.size(), 3u);
    EXPECT_EQ(step[0].inputIds.size(), 2u);
    EXPECT_TRUE(same(step, jumping.step(k))) << k;
  }
  EXPECT_TRUE(same(late, forward.step(last)));
  EXPECT_EQ(forward.fingerprint(), jumping.fingerprint());
  TrainConfig other = config();
  other.seed = 7;
  EXPECT_NE(stream(other).fingerprint(), forward.fingerprint());
}

TEST_F(Streamed, TheSecondRunTokenisesNothing) {
  std::vector<std::vector<MicroBatch>> steps;
  std::string fingerprint;
  {
    BatchStream first(config(), countingSource);
    first.report(); // all rows
    for (int64_t k = 0; k < 20; ++k)
      steps.push_back(first.step(k));
    fingerprint = first.fingerprint();
  }
  EXPECT_EQ(counting.texts, count);
  BatchStream second(config(), countingSource);
  EXPECT_TRUE(second.isComplete());
  for (size_t k = 0; k < steps.size(); ++k)
    EXPECT_TRUE(same(steps[k], second.step(int64_t(k)))) << k;
  EXPECT_EQ(second.fingerprint(), fingerprint);
  EXPECT_EQ(second.report().tokens, second.report().countedLabels + count);
  EXPECT_EQ(counting.texts, count);
  // Another length, seed or batch size takes the same tokens; another text does not.
  TrainConfig other = config();
  other.maxLength = 10;
  other.seed = 9;
  EXPECT_GT(BatchStream(other, countingSource).report().truncated, 0);
  EXPECT_EQ(counting.texts, count);
  std::ofstream(file, std::ios::app) << row(count);
  EXPECT_EQ(BatchStream(config(), countingSource).report().rows, count + 1);
  EXPECT_EQ(counting.texts, 2 * count + 1);
  counting.beginsWithBos = true; // another tokenizer
  BatchStream(config(), countingSource).report();
  EXPECT_EQ(counting.texts, 3 * count + 2);
}

// Of other rows, too: each build has other keys.
TEST_F(Streamed, WhatADeadWriterLeftInTheCacheGoes) {
  std::filesystem::create_directories(folder / "cache/rows");
  std::filesystem::path torn = folder / "cache/rows/.0123abcd.rows.partial-0123456789abcdef", other = folder / "cache/rows/.notes";
  std::ofstream(torn) << "torn";
  std::ofstream(other) << "somebody's";
  stream(config()).report();
  EXPECT_FALSE(std::filesystem::exists(torn));
  EXPECT_TRUE(std::filesystem::exists(other));
}

TEST_F(Streamed, ADamagedCacheIsMadeAnew) {
  stream(config()).report();
  std::filesystem::path cache = cached();
  ASSERT_FALSE(cache.empty());
  auto size = std::filesystem::file_size(cache);
  for (uintmax_t cut : {size / 2, uintmax_t(30), uintmax_t(0)}) {
    std::filesystem::resize_file(cache, cut);
    BatchStream data(config(), countingSource);
    int64_t before = counting.texts;
    EXPECT_EQ(data.report().rows, count);
    EXPECT_GE(counting.texts, before);
    EXPECT_EQ(std::filesystem::file_size(cache), size);
  }
  {
    std::fstream flip(cache, std::ios::in | std::ios::out | std::ios::binary);
    flip.seekp(int64_t(size) / 2);
    flip.put('\x55');
  }
  counting.texts = 0;
  BatchStream(config(), countingSource).report();
  EXPECT_EQ(counting.texts, count);
}

TEST_F(Streamed, ShareAndEpochsFollowTheRows) {
  TrainConfig half = config();
  half.epochs = 1.5;
  BatchStream data = stream(half);
  EXPECT_TRUE(data.followsRows());
  EXPECT_EQ(data.share(0), 0);
  double before = 0;
  int64_t k = 0, rows = 0;
  for (; data.hasStep(k); ++k) {
    EXPECT_GE(data.share(k), before);
    EXPECT_LT(data.share(k), 1);
    before = data.share(k);
    rows += int64_t(numbers(data.step(k)).size());
    EXPECT_NEAR(data.epochsAfter(k + 1), double(rows) / count, 1e-9);
  }
  EXPECT_EQ(rows, 3 * count / 2);
  EXPECT_EQ(data.share(k), 1);
  EXPECT_EQ(data.expectedSteps(k), k);
  for (int64_t done : {int64_t(0), k / 3, k - 1})
    EXPECT_NEAR(double(data.expectedSteps(done)), double(k), 0.15 * double(k)) << done;
  // With max_steps the number is known, and the epochs go on.
  half.maxSteps = k * 2;
  BatchStream bounded = stream(half);
  EXPECT_FALSE(bounded.followsRows());
  EXPECT_EQ(bounded.totalSteps(), k * 2);
  EXPECT_EQ(bounded.share(k), 0.5);
  EXPECT_TRUE(bounded.hasStep(k * 2 - 1));
  EXPECT_FALSE(bounded.hasStep(k * 2));
}

TEST_F(Streamed, RanksShareEachStepWithoutOverlap) {
  TrainConfig small = config();
  small.datasets[0].limit = 200; // not streamed
  for (const TrainConfig &each : {config(), small}) {
    constexpr int64_t world = 3;
    std::multiset<int> seen;
    std::set<std::string> fingerprints;
    size_t rows = each.datasets[0].limit > 0 ? 200 : count;
    for (int64_t rank = 0; rank < world; ++rank) {
      BatchStream data = stream(each, 0, {rank, world});
      fingerprints.insert(data.fingerprint());
      for (int64_t k = 0; data.hasStep(k); ++k) {
        std::vector<MicroBatch> step = data.step(k);
        EXPECT_LE(step.size(), 3u);
        for (int number : numbers(step))
          seen.insert(number);
      }
    }
    EXPECT_EQ(fingerprints.size(), 1u);
    EXPECT_EQ(seen.size(), rows);
    EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), rows);
  }
}

// Behind rows of tokens there may be texts: another tokenizer makes other rows of them, and another run.
TEST_F(Streamed, TheTokenizerCountsBehindRowsOfTokens) {
  TrainConfig mixed = plain({write("first.jsonl", "{\"input_ids\": [1, 2, 3]}\n"), file});
  mixed.packing = mixed.shuffle = true;
  mixed.maxLength = 64;
  std::string one = stream(mixed).fingerprint();
  tokenizer.jinja = "another template"; // what the rows' key is made of
  EXPECT_NE(stream(mixed).fingerprint(), one);
}

TEST_F(Streamed, ABadRowIsToldByItsLine) {
  std::ofstream(file, std::ios::app) << "{\"text\": 7}\n";
  BatchStream data = stream(config()); // nothing is read yet
  std::string message;
  try {
    for (int64_t k = 0; data.hasStep(k); ++k)
      data.step(k);
  } catch (const Error &error) {
    EXPECT_EQ(error.status, Status::BadInput);
    message = error.what();
  }
  EXPECT_NE(message.find("rows.jsonl:6001"), std::string::npos) << message;
  EXPECT_FALSE(std::filesystem::exists(folder / "cache/rows") && !cached().empty());
}

TEST_F(Streamed, RowsThatTeachNothingAreLeftOut) {
  TrainConfig cut = config();
  std::string text;
  for (int i = 0; i < count; ++i)
    text += i % 3 ? row(i) : "{\"prompt\": \"" + std::string(70, 'p') + "\", \"completion\": \"c\"}\n";
  cut.datasets[0].path = write("mixed.jsonl", text);
  BatchStream data = stream(cut);
  std::set<int> seen;
  int64_t k = 0;
  for (; data.hasStep(k); ++k)
    for (int number : numbers(data.step(k)))
      EXPECT_TRUE(seen.insert(number).second);
  EXPECT_EQ(seen.size(), size_t(count * 2 / 3));
  EXPECT_EQ(data.report().dropped, count / 3);
  EXPECT_EQ(data.epochsAfter(k), 1);
  cut.maxLength = 1;
  BatchStream nothing = stream(cut);
  try {
    nothing.step(0);
    FAIL();
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("none of the 6000 rows has a label that counts"),
              std::string::npos);
  }
}

TEST_F(Streamed, AnUnwritableCacheIsANote) {
  std::ofstream(folder / "cache") << "a file";
  BatchStream data = stream(config());
  std::vector<std::string> notes = data.report().notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("could not be kept"), std::string::npos) << notes[0];
}

} // namespace
} // namespace mlora::test
