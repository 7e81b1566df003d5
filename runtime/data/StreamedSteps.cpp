#include "StreamedSteps.h"

#include "mlora/Runtime/Core/CacheFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Shuffle.h"
#include "mlora/Runtime/Data/StepPlan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlora {
namespace {

/// Sequences that packing keeps open: about so many times what one holds must be tokenised before the first
/// step.
constexpr int64_t openSequences = 64;

/// Items as the packer knows them: numbers.
constexpr int64_t windowUnit = int64_t(1) << 40;
int64_t numberOf(StreamedSteps::Item item) { return item.window * windowUnit + item.row; }
StreamedSteps::Item itemOf(int64_t number) { return {number % windowUnit, number / windowUnit}; }

/// Everything that decides how a text becomes tokens.
void addTokenizer(Hasher &hash, const Tokenizer &tokenizer) {
  for (const auto &[name, bytes] : tokenizer.files())
    hash.update(name).update(uint64_t(bytes.size())).update(bytes);
  hash.update(uint64_t(tokenizer.addsBos())).update(uint64_t(tokenizer.bos().value_or(-1)));
  hash.update(uint64_t(tokenizer.eos().value_or(-1))).update(tokenizer.chatTemplate());
}

/// Where the rows are kept once they are tokenised: by what they are, what becomes of them, and by which
/// program.
std::filesystem::path cachePath(const std::vector<Dataset> &datasets, TokenizerSource &tokenizer,
                                int64_t vocabSize) {
  Hasher hash;
  hash.update(programIdentity()).update(uint64_t(vocabSize));
  for (const Dataset &dataset : datasets)
    hash.update(dataset.fingerprint());
  if (tokenizer.ifOpen())
    addTokenizer(hash, *tokenizer.ifOpen());
  try {
    return cacheFolder() / "rows" / (hash.hex() + ".rows");
  } catch (const Error &) {
    return {}; // no place to keep anything
  }
}

} // namespace

StreamedSteps::StreamedSteps(std::vector<Dataset> datasets, std::vector<int64_t> epochRows,
                             const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize,
                             int64_t world)
    : maxLength(config.maxLength), sequencesPerStep(StepPlan(config, 1, world).sequencesPerStep),
      maxSteps(config.maxSteps), packing(config.packing), shuffle(config.shuffle), seed(config.seed),
      epoch(std::move(epochRows)), packer(config.maxLength, openSequences) {
  // 0.1 x 30 is a little more than 3 in binary: that is 3 rows, not 4.
  double wanted = std::ceil(config.epochs * double(epoch.size()) - 1e-9);
  if (wanted > 1e15)
    badInput("num_train_epochs is too large");
  total = maxSteps >= 0 ? rowsPerEpoch() : int64_t(wanted);
  // Tokens need no tokenizer; a text does, and a missing one is said at once. Behind rows of tokens there may
  // be texts: where there is a tokenizer, what it does is part of what the rows are.
  try {
    tokenizer.get();
  } catch (const Error &) {
    if (std::ranges::any_of(datasets,
                            [](const Dataset &each) { return each.row(0).task->name != "tokenised"; }))
      throw;
  }
  Hasher hasher;
  for (const Dataset &dataset : datasets)
    hasher.update(dataset.fingerprint());
  if (tokenizer.ifOpen())
    addTokenizer(hasher, *tokenizer.ifOpen());
  hasher.update(epoch.data(), epoch.size() * sizeof(int64_t))
      .update(uint64_t(maxLength))
      .update(uint64_t(packing));
  hasher.update(uint64_t(config.batchSize)).update(uint64_t(config.accumulation)).update(uint64_t(world));
  hash = hasher.update(shuffle ? seed : 0).update(uint64_t(shuffle)).hex();

  startEpoch();
  std::vector<int64_t> needed;
  std::vector<bool> seen(epoch.empty() ? 0 : size_t(*std::ranges::max_element(epoch)) + 1);
  for (int64_t i = 0; i < epochEnd; ++i) {
    int64_t row = order[size_t(i)];
    if (!seen[size_t(row)])
      needed.push_back(row);
    seen[size_t(row)] = true;
  }
  std::filesystem::path cache = cachePath(datasets, tokenizer, vocabSize);
  rows = std::make_unique<ReadAhead>(std::move(datasets), std::move(needed),
                                     RowTokeniser(tokenizer, vocabSize), std::move(cache));
}

/// The next epoch's rows in their order; fewer in the last one where num_train_epochs has a fraction.
void StreamedSteps::startEpoch() {
  ++epochNumber;
  position = 0;
  epochEnd = rowsPerEpoch();
  if (maxSteps < 0)
    epochEnd = std::clamp<int64_t>(total - epochNumber * rowsPerEpoch(), 0, rowsPerEpoch());
  order = epoch;
  if (!shuffle)
    return;
  std::vector<int64_t> turns = permutation(rowsPerEpoch(), seed, uint64_t(epochNumber) + 1);
  std::ranges::transform(turns, order.begin(), [this](int64_t i) { return epoch[size_t(i)]; });
}

/// Until a step's sequences are closed, or the epoch ends.
void StreamedSteps::fill() {
  while (int64_t(packer.closed.size()) < sequencesPerStep && position < epochEnd) {
    int64_t row = order[size_t(position++)];
    Sequence whole = rows->row(row);
    for (int64_t window = 0; window < countWindows(row, whole); ++window) {
      Item item{row, window};
      Sequence tokens = part(whole, item);
      if (tokens.countedLabels() == 0)
        consumed += window == 0;
      else if (packing)
        packer.add(numberOf(item), tokens.size());
      else
        packer.closed.push_back({numberOf(item)});
    }
  }
  if (position == epochEnd)
    packer.flush();
}

void StreamedSteps::take(Step &step) {
  auto count = std::min<int64_t>(sequencesPerStep, int64_t(packer.closed.size()));
  for (int64_t i = 0; i < count; ++i) {
    std::vector<Item> &items = step.sequences.emplace_back();
    for (int64_t number : packer.closed.front()) {
      items.push_back(itemOf(number));
      consumed += items.back().window == 0; // a row is done where its first window is
    }
    packer.closed.pop_front();
  }
}

bool StreamedSteps::planOne() {
  if (maxSteps >= 0 && int64_t(steps.size()) >= maxSteps)
    return false;
  fill();
  while (packer.closed.empty()) { // the epoch is over
    if (steps.empty())
      refuseEmpty(report(), Purpose::Training);
    startEpoch();
    if (epochEnd == 0)
      return false;
    fill();
  }
  Step &step = steps.emplace_back();
  step.rowsBefore = steps.size() > 1 ? steps[steps.size() - 2].rowsAfter : 0;
  take(step);
  step.rowsAfter = consumed;
  return true;
}

const StreamedSteps::Step *StreamedSteps::at(int64_t k) {
  while (int64_t(steps.size()) <= k)
    if (!planOne())
      return nullptr;
  return &steps[size_t(k)];
}

int64_t StreamedSteps::countWindows(int64_t row, const Sequence &whole) const {
  return rows->isDocument(row) ? whole.countWindows(maxLength) : 1;
}

Sequence StreamedSteps::part(const Sequence &whole, Item item) const {
  if (countWindows(item.row, whole) > 1)
    return whole.window(item.window, maxLength);
  Sequence tokens = whole;
  tokens.truncate(maxLength);
  return tokens;
}

Sequence StreamedSteps::tokens(Item item) {
  if (item.row == lastRow)
    return part(lastText, item);
  Sequence whole = rows->row(item.row);
  Sequence tokens = part(whole, item);
  if (countWindows(item.row, whole) > 1) {
    lastRow = item.row;
    lastText = std::move(whole);
  }
  return tokens;
}

DataReport StreamedSteps::report() {
  rows->finish();
  DataReport report;
  report.rows = rows->rows();
  report.maxLength = maxLength;
  report.lacksEos = rows->lacksEos();
  report.cacheProblem = rows->cacheProblem();
  StreamPacker sequences(maxLength, openSequences);
  std::vector<bool> seen(size_t(report.rows));
  std::vector<int64_t> firstOrder = epoch;
  if (shuffle) {
    std::vector<int64_t> turns = permutation(rowsPerEpoch(), seed, 1);
    std::ranges::transform(turns, firstOrder.begin(), [this](int64_t i) { return epoch[size_t(i)]; });
  }
  int64_t most = maxSteps >= 0 ? rowsPerEpoch() : std::min(total, rowsPerEpoch());
  for (int64_t i = 0; i < most; ++i) {
    int64_t number = firstOrder[size_t(i)];
    Sequence whole = rows->row(number);
    int64_t windows = countWindows(number, whole), countedOfRow = 0;
    for (int64_t window = 0; window < windows; ++window) {
      Sequence tokens = part(whole, {number, window});
      int64_t counted = tokens.countedLabels();
      if (counted == 0)
        continue;
      countedOfRow += counted;
      ++report.examples;
      report.tokens += tokens.size();
      if (packing)
        sequences.add(number, tokens.size());
      else
        sequences.closed.push_back({number});
    }
    report.countedLabels += countedOfRow;
    if (!seen[size_t(number)]) {
      report.longestRow = std::max(report.longestRow, whole.size());
      report.truncated += windows == 1 && whole.size() > maxLength;
      report.windowed += windows > 1;
      report.dropped += countedOfRow == 0;
    }
    seen[size_t(number)] = true;
  }
  sequences.flush();
  report.sequences = int64_t(sequences.closed.size());
  return report;
}

} // namespace mlora
