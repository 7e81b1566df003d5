// The steps of data that is too large to be tokenised before training begins.
#pragma once

#include "Packing.h"
#include "ReadAhead.h"
#include "mlora/Runtime/Data/PackedData.h"
#include "mlora/Runtime/Data/Shard.h"

#include <memory>

namespace mlora {

/// An epoch is a permutation of its rows, drawn from (seed, epoch); they are packed as they come, and
/// sequences are trained in the order in which they close. What a step holds depends on the rows and the
/// configuration alone, never on how far reading is ahead. The number of steps is not known at the beginning:
/// the end is a share of rows.
class StreamedSteps {
public:
  /// Streamed is what has at least so many rows (of an epoch).
  static constexpr int64_t leastRows = 5000;

  /// What a sequence holds: a row, or one of the windows of a long text.
  struct Item {
    int64_t row, window;
  };
  struct Step {
    std::vector<std::vector<Item>> sequences;
    int64_t rowsBefore = 0, rowsAfter = 0; ///< of all epochs, consumed before and with this step
  };

  /// `epoch`: the rows of an epoch, numbered through all data sets.
  StreamedSteps(std::vector<Dataset> datasets, std::vector<int64_t> epoch, const TrainConfig &config,
                TokenizerSource &tokenizer, int64_t vocabSize, int64_t world);

  /// Null when the run ends before step k. Waits until its rows are tokenised.
  const Step *at(int64_t k);
  /// A row, cut to max_length, or a window of one.
  Sequence tokens(Item item);

  /// Rows that the whole run consumes; with max_steps there is no such number, and this is an epoch's.
  int64_t totalRows() const { return total; }
  int64_t rowsPerEpoch() const { return int64_t(epoch.size()); }
  bool isComplete() { return rows->isComplete(); }
  /// Waits for all rows: counts, with the sequences of the first epoch.
  DataReport report();
  int64_t longest() const { return maxLength; }
  int64_t perStep() const { return sequencesPerStep; }
  const std::string &fingerprint() const { return hash; }

private:
  bool planOne();
  int64_t countWindows(int64_t row, const Sequence &whole) const;
  Sequence part(const Sequence &whole, Item item) const;
  void startEpoch();
  void fill();
  void take(Step &step);

  const int64_t maxLength, sequencesPerStep, maxSteps;
  const bool packing, shuffle;
  const uint64_t seed;
  std::vector<int64_t> epoch;
  int64_t total = 0;
  std::string hash;
  std::unique_ptr<ReadAhead> rows;

  // The long text whose windows were asked for last: those of one are trained one after another.
  int64_t lastRow = -1;
  Sequence lastText;

  // What is planned so far.
  std::vector<Step> steps;
  StreamPacker packer;
  std::vector<int64_t> order; ///< of the current epoch
  int64_t epochNumber = -1, position = 0, epochEnd = 0;
  int64_t consumed = 0; ///< rows in steps or dropped, of all epochs
};

} // namespace mlora
