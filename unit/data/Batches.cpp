// Packing, shuffling and steps: any step at once, always the same.
#include "Support.h"

#include "mlora/Runtime/Core/Shuffle.h"

#include <algorithm>
#include <set>

namespace mlora::test {
namespace {

class Batches : public DataTest {
protected:
  /// `count` text rows of 3 to 12 tokens, all different.
  TrainConfig packed(int count) const {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += "{\"text\": \"" + std::to_string(1000 + i) + std::string(i * 7 % 8, 'z') + "\"}\n";
    TrainConfig config = plain({write("rows.jsonl", text)});
    config.packing = config.shuffle = true;
    config.maxLength = 32;
    return config;
  }

  /// Every document of an epoch, as text.
  std::multiset<std::string> documents(const BatchStream &data, int64_t epoch) const {
    std::multiset<std::string> found;
    for (int64_t k = 0; k < data.stepsPerEpoch(); ++k)
      for (const MicroBatch &batch : data.step(epoch * data.stepsPerEpoch() + k))
        for (size_t row = 0; row < batch.inputIds.size(); ++row) {
          std::string text;
          for (size_t t = 0; t < batch.inputIds[row].size(); ++t) {
            if (t > 0 && batch.documentIds[row][t] != batch.documentIds[row][t - 1])
              found.insert(std::exchange(text, ""));
            text += tokenizer.piece(batch.inputIds[row][t]);
          }
          found.insert(text);
        }
    return found;
  }
};

bool same(const std::vector<MicroBatch> &a, const std::vector<MicroBatch> &b) {
  return std::ranges::equal(a, b, [](const MicroBatch &x, const MicroBatch &y) {
    return x.inputIds == y.inputIds && x.labels == y.labels && x.positionIds == y.positionIds &&
           x.documentIds == y.documentIds;
  });
}

TEST_F(Batches, PackingKeepsDocumentsWholeAndApart) {
  TrainConfig config = packed(40);
  BatchStream data = stream(config);
  EXPECT_LT(data.report().sequences, 20);
  EXPECT_EQ(data.report().examples, 40);
  for (int64_t k = 0; k < data.stepsPerEpoch(); ++k)
    for (const MicroBatch &batch : data.step(k)) {
      const auto &ids = batch.inputIds[0], &labels = batch.labels[0], &positions = batch.positionIds[0],
                 &documents = batch.documentIds[0];
      EXPECT_LE(ids.size(), 32u);
      for (size_t t = 0; t < ids.size(); ++t) {
        bool begins = t == 0 || documents[t] != documents[t - 1];
        EXPECT_EQ(positions[t], begins ? 0 : positions[t - 1] + 1);
        EXPECT_EQ(labels[t], begins ? ignoredLabel : ids[t]);
        EXPECT_EQ(documents[t], t == 0 ? 0 : documents[t - 1] + begins);
        if (begins && t > 0) {
          EXPECT_EQ(ids[t - 1], ByteTokenizer::eosToken);
        }
      }
    }
}

TEST_F(Batches, EveryEpochHasEveryRowOnceInAnotherOrder) {
  BatchStream data = stream(packed(40));
  std::multiset<std::string> first = documents(data, 0);
  EXPECT_EQ(first.size(), 40u);
  EXPECT_EQ(first, documents(data, 1));
  EXPECT_FALSE(same(data.step(0), data.step(data.stepsPerEpoch())));
}

TEST_F(Batches, StepsAreRandomAccess) {
  TrainConfig config = packed(40);
  config.batchSize = 2;
  config.accumulation = 2;
  BatchStream forward = stream(config), jumping = stream(config);
  std::vector<std::vector<MicroBatch>> all;
  for (int64_t k = 0; k < 9; ++k)
    all.push_back(forward.step(k));
  for (int64_t k : {7, 2, 8, 0, 5})
    EXPECT_TRUE(same(jumping.step(k), all[k])) << k;
  EXPECT_EQ(forward.fingerprint(), jumping.fingerprint());
  config.seed = 43;
  BatchStream other = stream(config);
  EXPECT_NE(forward.fingerprint(), other.fingerprint());
  EXPECT_FALSE(same(other.step(0), all[0]));
}

TEST_F(Batches, LastStepOfAnEpochIsSmaller) {
  TrainConfig config = packed(7);
  config.packing = config.shuffle = false;
  config.batchSize = 2;
  config.accumulation = 2;
  config.epochs = 1.5;
  BatchStream data = stream(config);
  EXPECT_EQ(data.stepsPerEpoch(), 2);
  EXPECT_EQ(data.totalSteps(), 3);
  ASSERT_EQ(data.step(0).size(), 2u);
  ASSERT_EQ(data.step(1).size(), 2u); // rows 4, 5 and 6
  EXPECT_EQ(data.step(1)[0].inputIds.size(), 2u);
  EXPECT_EQ(data.step(1)[1].inputIds.size(), 1u);
  EXPECT_TRUE(same(data.step(2), data.step(0)));
}

TEST_F(Batches, MaxStepsWins) {
  TrainConfig config = packed(7);
  config.maxSteps = 0;
  EXPECT_EQ(stream(config).totalSteps(), 0);
  config.maxSteps = 100; // goes on through more epochs
  BatchStream data = stream(config);
  EXPECT_EQ(data.totalSteps(), 100);
  EXPECT_FALSE(data.step(99).empty());
}

TEST_F(Batches, StepPlanArithmetic) {
  TrainConfig config;
  config.batchSize = 2;
  config.accumulation = 3;
  config.epochs = 0.1;
  StepPlan plan(config, 180); // 30 steps an epoch; 0.1 * 30 is 3.0000000000000004
  EXPECT_EQ(plan.stepsPerEpoch, 30);
  EXPECT_EQ(plan.totalSteps, 3);
  EXPECT_EQ(plan.epochOf(31), 1);
  EXPECT_EQ(plan.begin(31), 6);
  EXPECT_EQ(plan.end(31), 12);
  EXPECT_DOUBLE_EQ(plan.epochsAfter(45), 1.5);
  config.batchSize = config.accumulation = INT64_MAX;
  EXPECT_THROW(StepPlan(config, 1), Error);
}

TEST_F(Batches, LargestMicroBatchIsBounded) {
  TrainConfig config = packed(40);
  config.batchSize = 3;
  BatchStream data = stream(config);
  for (int64_t k = 0; k < 3 * data.stepsPerEpoch(); ++k)
    for (const MicroBatch &batch : data.step(k))
      EXPECT_LE(batch.tokens(), data.maxMicroBatchTokens());
}

TEST_F(Batches, ShuffleIsWrittenDown) {
  // Reference values of SplitMix64 (seed 1234567; also in the goldens of SmolLM2 for seed 0).
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(SplitMix64(0).next(), 0xe220a8397b1dcdafu);
  // Orders are part of a checkpoint's meaning: they must not change between versions.
  EXPECT_EQ(permutation(8, 42, 1), (std::vector<int64_t>{5, 3, 2, 7, 6, 4, 1, 0}));
  for (int64_t n : {0, 1, 2, 1000}) {
    std::vector<int64_t> order = permutation(n, 7, 3);
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < n; ++i)
      EXPECT_EQ(order[i], i);
  }
}

TEST_F(Batches, ShuffleIsUniform) {
  int counts[4][4] = {};
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    std::vector<int64_t> order = permutation(4, seed, 1);
    for (int i = 0; i < 4; ++i)
      ++counts[i][order[i]];
  }
  for (auto &row : counts)
    for (int count : row)
      EXPECT_NEAR(count, 1000, 150); // 5 standard deviations
}

TEST_F(Batches, FlattenIsWhatAProgramReads) {
  MicroBatch batch{.inputIds = {{10, 11, 12, 13}, {20, 21}},
                   .labels = {{-100, 11, -100, 13}, {-100, 21}},
                   .positionIds = {{0, 1, 0, 1}, {0, 1}},
                   .documentIds = {{0, 0, 1, 1}, {0, 0}}};
  ProgramInputs inputs = flatten(batch);
  EXPECT_EQ(inputs.inputIds, (std::vector<int32_t>{10, 11, 12, 13, 20, 21}));
  EXPECT_EQ(inputs.positionIds, (std::vector<int32_t>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(inputs.documentStart, (std::vector<int32_t>{0, 0, 2, 2, 4, 4}));
  EXPECT_EQ(inputs.counted, (std::vector<int32_t>{0, 2, 4}));
  EXPECT_EQ(inputs.targets, (std::vector<int32_t>{11, 13, 21}));
  EXPECT_EQ(batch.tokens(), 6);
  EXPECT_EQ(batch.countedLabels(), 3);
}

TEST_F(Batches, FlattenRefusesWhatIsInconsistent) {
  MicroBatch good{.inputIds = {{1, 2, 3}},
                  .labels = {{-100, 2, 3}},
                  .positionIds = {{0, 1, 2}},
                  .documentIds = {{0, 0, 0}}};
  EXPECT_NO_THROW(flatten(good));
  MicroBatch batch = good;
  batch.documentIds = {{0, 1, 0}};
  EXPECT_THROW(flatten(batch), Error);
  batch.documentIds = {{0, 0, 1}}; // the label of 3 counts, though its document has just begun
  EXPECT_THROW(flatten(batch), Error);
  batch = good;
  batch.labels[0].pop_back();
  EXPECT_THROW(flatten(batch), Error);
  batch = good;
  batch.positionIds.clear();
  EXPECT_THROW(flatten(batch), Error);
}

} // namespace
} // namespace mlora::test
