#include "mlora/Runtime/Data/PackedData.h"

#include "Packing.h"
#include "Tokenise.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Data/Shuffle.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlora {
namespace {

/// Sequences that packing keeps open: more fill better, and cost time for each example.
constexpr int64_t openSequences = 256;

class Loader {
public:
  Loader(Purpose purpose, const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize)
      : purpose(purpose), config(config), tokenizer(tokenizer), vocabSize(vocabSize) {
    data.report.maxLength = config.maxLength;
  }

  PackedData load(std::span<const DatasetSpec> datasets) {
    for (size_t i = 0; i < datasets.size(); ++i) {
      int64_t first = int64_t(data.examples.size());
      readDataset(datasets[i]);
      weigh(datasets[i].weight, first, i);
    }
    if (epoch.empty() && (purpose == Purpose::Training || !datasets.empty()))
      refuseEmpty();
    pack();
    return std::move(data);
  }

private:
  [[noreturn]] void refuseEmpty() const {
    const DataReport &report = data.report;
    std::string list = purpose == Purpose::Training ? "datasets" : "validation";
    if (report.rows == 0)
      badInput(list + ": the list is empty");
    if (report.dropped == report.rows)
      badInput(list + ": none of the " + std::to_string(report.rows) +
               " rows has a label that counts within max_length=" + std::to_string(config.maxLength));
    badInput(list + ": the weights leave no row of " + std::to_string(report.rows));
  }

  void readDataset(const DatasetSpec &spec) {
    Dataset rows(spec, purpose);
    for (int64_t i = 0; i < rows.rows(); ++i)
      readRow(rows.row(i));
  }

  void readRow(const DatasetRow &row) {
    ++data.report.rows;
    if (row.task->name == "tokenised") {
      if (!row.json.contains("input_ids"))
        badInput(row.where + ": key \"input_ids\" is missing");
      return add(readTokenised(row.json, row.where), row.where);
    }
    Example example = row.task->example(JsonFields(row.json, row.where));
    data.report.lacksEos = data.report.lacksEos || !tokenizer.get().eos();
    add(tokenise(example, tokenizer.get()), row.where);
  }

  void add(Sequence row, const std::string &where) {
    checkVocabulary(row, vocabSize, where);
    data.report.longestRow = std::max(data.report.longestRow, row.size());
    if (row.size() > config.maxLength) {
      ++data.report.truncated;
      for (std::vector<int32_t> *list : {&row.ids, &row.labels, &row.documents})
        list->resize(config.maxLength);
    }
    if (row.countedLabels() == 0)
      ++data.report.dropped;
    else
      data.examples.push_back(std::move(row));
  }

  /// Puts the examples from `first` on into the epoch: all of them floor(weight) times, and a drawn part of
  /// them once more.
  void weigh(double weight, int64_t first, uint64_t dataset) {
    int64_t count = int64_t(data.examples.size()) - first;
    double whole = std::floor(weight);
    if (whole * double(count) > 1e9)
      badInput("datasets: weight " + std::to_string(weight) + " makes an epoch of more than 1e9 rows");
    for (int64_t copy = 0; copy < int64_t(whole); ++copy)
      for (int64_t i = 0; i < count; ++i)
        epoch.push_back(first + i);
    int64_t part = std::llround((weight - whole) * double(count));
    std::vector<int64_t> drawn = permutation(count, config.seed, (uint64_t(1) << 63) + dataset);
    drawn.resize(part);
    std::sort(drawn.begin(), drawn.end());
    for (int64_t i : drawn)
      epoch.push_back(first + i);
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
  TokenizerSource &tokenizer;
  int64_t vocabSize;
  PackedData data;
  std::vector<int64_t> epoch; ///< examples of an epoch
};

} // namespace

std::vector<std::string> DataReport::notes() const {
  std::vector<std::string> result;
  std::string of = " of " + std::to_string(rows) + " rows ";
  if (truncated > 0)
    result.push_back(std::to_string(truncated) + of +
                     "are longer than max_length=" + std::to_string(maxLength) +
                     " and were cut at the end (the longest has " + std::to_string(longestRow) + " tokens)");
  if (dropped > 0)
    result.push_back(std::to_string(dropped) + of + "have no label that counts and were left out");
  if (lacksEos)
    result.push_back("the tokenizer has no end-of-sequence token: the end of a row is not trained");
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

PackedData loadPacked(std::span<const DatasetSpec> datasets, Purpose purpose, const TrainConfig &config,
                      TokenizerSource &tokenizer, int64_t vocabSize) {
  return Loader(purpose, config, tokenizer, vocabSize).load(datasets);
}

} // namespace mlora
