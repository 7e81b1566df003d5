#include "mlora/Runtime/Data/BatchStream.h"

#include "StreamedSteps.h"
#include "Weights.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Shuffle.h"

#include <algorithm>
#include <cmath>
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
  batch.cut.push_back(std::move(row.cut));
}

/// `sequence(i)` for those that are our shard's, in micro-batches of `batchSize`, the last one perhaps
/// smaller.
template <typename SequenceOf>
std::vector<MicroBatch> batches(int64_t count, int64_t batchSize, Shard shard, SequenceOf sequence) {
  std::vector<MicroBatch> result;
  int64_t ours = 0;
  for (int64_t i = shard.rank; i < count; i += shard.world) {
    if (ours++ % batchSize == 0)
      result.emplace_back();
    addRow(sequence(i), result.back());
  }
  return result;
}

std::vector<int64_t> identity(int64_t n) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

} // namespace

/// One of `whole` and `streamed`.
struct BatchStream::Impl {
  Impl(const TrainConfig &config, Shard shard)
      : shard(shard), maxSteps(config.maxSteps), batchSize(config.batchSize), seed(config.seed),
        shuffle(config.shuffle) {}

  const Shard shard;
  const int64_t maxSteps, batchSize;
  const uint64_t seed;
  const bool shuffle;

  PackedData whole;
  StepPlan steps;
  int64_t orderEpoch = -1; ///< the epoch that `order` belongs to
  std::vector<int64_t> order;

  std::unique_ptr<StreamedSteps> streamed;

  const std::vector<int64_t> &epochOrder(int64_t epoch) {
    if (orderEpoch != epoch) {
      order = shuffle ? permutation(steps.sequences, seed, uint64_t(epoch) + 1) : identity(steps.sequences);
      orderEpoch = epoch;
    }
    return order;
  }

  std::vector<MicroBatch> wholeStep(int64_t k) {
    const std::vector<int64_t> &epoch = epochOrder(steps.epochOf(k));
    return batches(steps.end(k) - steps.begin(k), batchSize, shard,
                   [&](int64_t i) { return whole.sequence(epoch[size_t(steps.begin(k) + i)]); });
  }

  std::vector<MicroBatch> streamedStep(const StreamedSteps::Step &step) {
    return batches(int64_t(step.sequences.size()), batchSize, shard, [&](int64_t i) {
      Sequence sequence;
      for (StreamedSteps::Item item : step.sequences[size_t(i)])
        sequence.append(streamed->tokens(item));
      return sequence;
    });
  }
};

BatchStream::~BatchStream() = default;

BatchStream::BatchStream(const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize,
                         Shard shard)
    : impl(std::make_unique<Impl>(config, shard)) {
  std::vector<Dataset> datasets;
  std::vector<int64_t> epoch; // rows, numbered through all data sets
  int64_t first = 0;
  for (size_t i = 0; i < config.datasets.size(); ++i) {
    datasets.emplace_back(config.datasets[i], Purpose::Training);
    for (int64_t row : weighted(config.datasets[i], datasets.back().rows(), i, config.seed))
      epoch.push_back(first + row);
    first += datasets.back().rows();
  }
  if (int64_t(epoch.size()) >= StreamedSteps::leastRows) {
    impl->streamed = std::make_unique<StreamedSteps>(std::move(datasets), std::move(epoch), config, tokenizer,
                                                     vocabSize, shard.world);
    return;
  }
  impl->whole = loadPacked(datasets, config.datasets, Purpose::Training, config, tokenizer, vocabSize);
  impl->steps = StepPlan(config, int64_t(impl->whole.sequences.size()), shard.world);
}

bool BatchStream::hasStep(int64_t k) const {
  return impl->streamed ? impl->streamed->at(k) != nullptr : k < impl->steps.totalSteps;
}

std::vector<MicroBatch> BatchStream::step(int64_t k) const {
  if (!impl->streamed)
    return impl->wholeStep(k);
  const StreamedSteps::Step *step = impl->streamed->at(k);
  return step ? impl->streamedStep(*step) : std::vector<MicroBatch>{};
}

bool BatchStream::followsRows() const { return impl->streamed && impl->maxSteps < 0; }

double BatchStream::share(int64_t k) const {
  if (!followsRows()) {
    int64_t total = impl->streamed ? impl->maxSteps : impl->steps.totalSteps;
    return total > 0 ? std::min(1.0, double(k) / double(total)) : 1.0;
  }
  const StreamedSteps::Step *step = impl->streamed->at(k);
  return step ? double(step->rowsBefore) / double(impl->streamed->totalRows()) : 1.0;
}

double BatchStream::epochsAfter(int64_t steps) const {
  if (!impl->streamed)
    return impl->steps.epochsAfter(steps);
  const StreamedSteps::Step *last = steps > 0 ? impl->streamed->at(steps - 1) : nullptr;
  return last ? double(last->rowsAfter) / double(impl->streamed->rowsPerEpoch()) : 0;
}

int64_t BatchStream::expectedSteps(int64_t done) const {
  if (!followsRows())
    return impl->streamed ? impl->maxSteps : impl->steps.totalSteps;
  // As if all steps took as many rows as those up to the next one.
  const StreamedSteps::Step *next = impl->streamed->at(done);
  if (!next || next->rowsAfter == 0)
    return done;
  double rows = double(impl->streamed->totalRows());
  return std::max<int64_t>(done + 1, std::llround(double(done + 1) * rows / double(next->rowsAfter)));
}

int64_t BatchStream::stepsPerEpoch() const {
  if (!impl->streamed)
    return impl->steps.stepsPerEpoch;
  int64_t sequences = report().sequences, each = impl->streamed->perStep();
  return sequences / each + (sequences % each != 0);
}

int64_t BatchStream::totalSteps() const {
  if (!followsRows())
    return expectedSteps(0);
  int64_t steps = 0;
  while (hasStep(steps))
    ++steps;
  return steps;
}

DataReport BatchStream::report() const {
  return impl->streamed ? impl->streamed->report() : impl->whole.report;
}

bool BatchStream::isComplete() const { return !impl->streamed || impl->streamed->isComplete(); }

std::string BatchStream::fingerprint() const {
  if (impl->streamed)
    return impl->streamed->fingerprint();
  const StepPlan &steps = impl->steps;
  Hasher hash;
  hash.update(uint64_t(steps.batchSize)).update(uint64_t(steps.accumulation));
  hash.update(impl->shuffle ? impl->seed : 0).update(uint64_t(impl->shuffle));
  if (impl->shard.world > 1)
    hash.update(uint64_t(impl->shard.world));
  for (int64_t i = 0; i < steps.sequences; ++i) {
    Sequence row = impl->whole.sequence(i);
    hash.update(uint64_t(row.size()));
    for (const std::vector<int32_t> *list : {&row.ids, &row.labels, &row.documents})
      hash.update(list->data(), list->size() * sizeof(int32_t));
  }
  return hash.hex();
}

int64_t BatchStream::maxSequenceTokens() const {
  if (impl->streamed)
    return impl->streamed->longest();
  int64_t longest = 0;
  for (int64_t i = 0; i < impl->steps.sequences; ++i)
    longest = std::max(longest, impl->whole.sequenceTokens(i));
  return longest;
}

int64_t BatchStream::maxMicroBatchTokens() const {
  if (impl->streamed)
    return maxSequenceTokens() * impl->batchSize;
  return maxSequenceTokens() * std::min(impl->batchSize, impl->steps.sequences);
}

std::vector<MicroBatch> validationBatches(const TrainConfig &config, TokenizerSource &tokenizer,
                                          int64_t vocabSize, DataReport *report) {
  std::vector<Dataset> datasets;
  for (const DatasetSpec &spec : config.validation)
    datasets.emplace_back(spec, Purpose::Validation);
  PackedData data =
      loadPacked(datasets, config.validation, Purpose::Validation, config, tokenizer, vocabSize);
  if (report)
    *report = data.report;
  return batches(int64_t(data.sequences.size()), config.batchSize, {},
                 [&](int64_t i) { return data.sequence(i); });
}

} // namespace mlora
