#include "mlora/Runtime/Data/BatchStream.h"

#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Data/Shuffle.h"

#include <algorithm>
#include <numeric>

namespace mlora {
namespace {

void addRow(Sequence row, MicroBatch &batch) {
  std::vector<int32_t> positions(row.ids.size());
  for (size_t t = 1; t < positions.size(); ++t)
    positions[t] = row.documents[t] == row.documents[t - 1] ? positions[t - 1] + 1 : 0;
  batch.inputIds.push_back(std::move(row.ids));
  batch.labels.push_back(std::move(row.labels));
  batch.positionIds.push_back(std::move(positions));
  batch.documentIds.push_back(std::move(row.documents));
}

/// Sequences in micro-batches of `batchSize`, the last one perhaps smaller.
std::vector<MicroBatch> batches(const PackedData &data, std::span<const int64_t> sequences,
                                int64_t batchSize) {
  std::vector<MicroBatch> result;
  for (int64_t i = 0; i < int64_t(sequences.size()); ++i) {
    if (i % batchSize == 0)
      result.emplace_back();
    addRow(data.sequence(sequences[i]), result.back());
  }
  return result;
}

std::vector<int64_t> identity(int64_t n) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

} // namespace

BatchStream::BatchStream(const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize)
    : data(loadPacked(config.datasets, Purpose::Training, config, tokenizer, vocabSize)),
      steps(config, int64_t(data.sequences.size())), seed(config.seed), shuffle(config.shuffle) {}

const std::vector<int64_t> &BatchStream::epochOrder(int64_t epoch) const {
  if (orderEpoch != epoch) {
    order = shuffle ? permutation(steps.sequences, seed, uint64_t(epoch) + 1) : identity(steps.sequences);
    orderEpoch = epoch;
  }
  return order;
}

std::vector<MicroBatch> BatchStream::step(int64_t k) const {
  std::span<const int64_t> epoch = epochOrder(steps.epochOf(k));
  return batches(data, epoch.subspan(steps.begin(k), steps.end(k) - steps.begin(k)), steps.batchSize);
}

std::string BatchStream::fingerprint() const {
  Hasher hash;
  hash.update(uint64_t(steps.batchSize)).update(uint64_t(steps.accumulation));
  hash.update(shuffle ? seed : 0).update(uint64_t(shuffle));
  for (int64_t i = 0; i < steps.sequences; ++i) {
    Sequence row = data.sequence(i);
    hash.update(uint64_t(row.size()));
    for (const std::vector<int32_t> *list : {&row.ids, &row.labels, &row.documents})
      hash.update(list->data(), list->size() * sizeof(int32_t));
  }
  return hash.hex();
}

int64_t BatchStream::maxSequenceTokens() const {
  int64_t longest = 0;
  for (int64_t i = 0; i < steps.sequences; ++i)
    longest = std::max(longest, data.sequenceTokens(i));
  return longest;
}

int64_t BatchStream::maxMicroBatchTokens() const {
  return maxSequenceTokens() * std::min(steps.batchSize, steps.sequences);
}

std::vector<MicroBatch> validationBatches(const TrainConfig &config, TokenizerSource &tokenizer,
                                          int64_t vocabSize, DataReport *report) {
  PackedData data = loadPacked(config.validation, Purpose::Validation, config, tokenizer, vocabSize);
  if (report)
    *report = data.report;
  return batches(data, identity(int64_t(data.sequences.size())), config.batchSize);
}

} // namespace mlora
