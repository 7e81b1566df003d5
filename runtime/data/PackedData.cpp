#include "mlora/Runtime/Data/PackedData.h"

#include "Packing.h"
#include "RowTokeniser.h"
#include "Weights.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Shuffle.h"

#include <algorithm>
#include <numeric>

namespace mlora {
namespace {

/// Sequences that packing keeps open: more fill better, and cost time for each example.
constexpr int64_t openSequences = 256;

class Loader {
public:
  Loader(Purpose purpose, const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize)
      : purpose(purpose), config(config), tokeniser(tokenizer, vocabSize) {
    data.report.maxLength = config.maxLength;
  }

  PackedData load(std::span<const Dataset> datasets, std::span<const DatasetSpec> specs) {
    for (size_t i = 0; i < datasets.size(); ++i) {
      auto first = int64_t(data.examples.size());
      for (int64_t row = 0; row < datasets[i].rows(); ++row)
        readRow(datasets[i].row(row));
      for (int64_t row : weighted(specs[i], int64_t(data.examples.size()) - first, i, config.seed))
        epoch.push_back(first + row);
    }
    if (epoch.empty() && (purpose == Purpose::Training || !datasets.empty()))
      refuseEmpty(data.report, purpose);
    pack();
    return std::move(data);
  }

private:
  void readRow(const DatasetRow &row) {
    ++data.report.rows;
    Sequence tokens = tokeniser(row);
    data.report.lacksEos = tokeniser.lacksEos();
    data.report.longestRow = std::max(data.report.longestRow, tokens.size());
    if (int64_t windows = tokens.countWindows(config.maxLength); row.isDocument && windows > 1) {
      ++data.report.windowed;
      for (int64_t i = 0; i < windows; ++i)
        data.examples.push_back(tokens.window(i, config.maxLength));
      return;
    }
    data.report.truncated += tokens.size() > config.maxLength;
    tokens.truncate(config.maxLength);
    if (tokens.countedLabels() == 0)
      ++data.report.dropped;
    else
      data.examples.push_back(std::move(tokens));
  }

  void pack() {
    // Validation keeps its order, so that its batches are those of the file.
    bool shuffle = config.shuffle && purpose == Purpose::Training;
    if (shuffle) {
      std::vector<int64_t> order = permutation(int64_t(epoch.size()), config.seed, 0), shuffled;
      for (int64_t i : order)
        shuffled.push_back(epoch[i]);
      epoch = std::move(shuffled);
    }
    std::vector<int64_t> lengths;
    for (int64_t i : epoch)
      lengths.push_back(data.examples[i].size());
    if (config.packing) {
      data.sequences = packFirstFit(lengths, config.maxLength, shuffle ? openSequences : 1);
      for (std::vector<int64_t> &sequence : data.sequences)
        for (int64_t &i : sequence)
          i = epoch[i];
    } else {
      for (int64_t i : epoch)
        data.sequences.push_back({i});
    }
    DataReport &report = data.report;
    report.examples = int64_t(epoch.size());
    report.sequences = int64_t(data.sequences.size());
    report.tokens = std::accumulate(lengths.begin(), lengths.end(), int64_t(0));
    for (int64_t i : epoch)
      report.countedLabels += data.examples[i].countedLabels();
  }

  Purpose purpose;
  const TrainConfig &config;
  RowTokeniser tokeniser;
  PackedData data;
  std::vector<int64_t> epoch; ///< examples of an epoch
};

} // namespace

void refuseEmpty(const DataReport &report, Purpose purpose) {
  std::string list = purpose == Purpose::Training ? "datasets" : "validation";
  if (report.rows == 0)
    badInput(list + ": the list is empty");
  if (report.dropped == report.rows)
    badInput(list + ": none of the " + std::to_string(report.rows) +
             " rows has a label that counts within max_length=" + std::to_string(report.maxLength));
  badInput(list + ": the weights leave no row of " + std::to_string(report.rows));
}

std::vector<std::string> DataReport::notes() const {
  std::vector<std::string> result;
  std::string of = " of " + std::to_string(rows) + " rows ";
  if (truncated > 0)
    result.push_back(std::to_string(truncated) + of +
                     "are longer than max_length=" + std::to_string(maxLength) +
                     " and were cut at the end (the longest has " + std::to_string(longestRow) + " tokens)");
  if (windowed > 0)
    result.push_back(
        std::to_string(windowed) + of + "are texts longer than max_length=" + std::to_string(maxLength) +
        " and are trained in windows of it (the longest has " + std::to_string(longestRow) + " tokens)");
  if (dropped > 0)
    result.push_back(std::to_string(dropped) + of + "have no label that counts and were left out");
  if (lacksEos)
    result.push_back("the tokenizer has no end-of-sequence token: the end of a row is not trained");
  if (!cacheProblem.empty())
    result.push_back("the tokenised rows could not be kept, a second run tokenises again (" + cacheProblem +
                     ")");
  return result;
}

Sequence PackedData::sequence(int64_t index) const {
  Sequence result;
  for (int64_t example : sequences[index])
    result.append(examples[example]);
  return result;
}

int64_t PackedData::sequenceTokens(int64_t index) const {
  int64_t count = 0;
  for (int64_t example : sequences[index])
    count += examples[example].size();
  return count;
}

PackedData loadPacked(std::span<const Dataset> datasets, std::span<const DatasetSpec> specs, Purpose purpose,
                      const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize) {
  return Loader(purpose, config, tokenizer, vocabSize).load(datasets, specs);
}

} // namespace mlora
