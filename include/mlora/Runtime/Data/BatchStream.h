// The training data as a function of the optimizer step: any step's micro-batches, at once, always the same.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Data/Sequence.h"
#include "mlora/Runtime/Data/StepPlan.h"
#include "mlora/Runtime/Data/TokenizerSource.h"

#include <string>
#include <utility>
#include <vector>

namespace mlora {

/// What became of the rows; `train` prints it and writes it into trainer_state.json.
struct DataReport {
  int64_t rows = 0;          ///< rows read (after split and limit)
  int64_t examples = 0;      ///< rows of an epoch (after weights, without those dropped)
  int64_t sequences = 0;     ///< rows of micro-batches in an epoch: packed, or one an example
  int64_t tokens = 0;        ///< tokens of an epoch
  int64_t countedLabels = 0; ///< labels of an epoch that count
  int64_t truncated = 0;     ///< rows longer than max_length, cut at the end
  int64_t dropped = 0;       ///< rows without a counted label (after truncation): they would teach nothing
  int64_t longestRow = 0;    ///< tokens of the longest row, before truncation
  /// Sentences worth showing: truncation, dropped rows, a tokenizer without EOS.
  std::vector<std::string> notes() const;
  bool lacksEos = false;
};

/// Rows are read, tokenised and packed once; an epoch is a permutation of the packed sequences, drawn from
/// (seed, epoch) alone. Step k of training is therefore known without the steps before it: resuming at step k
/// costs nothing, and the data's position in a checkpoint is its step (and `fingerprint()`, to see that the
/// data is the same).
class BatchStream {
public:
  /// Reads config.datasets. `vocabSize` is the model's (0: unknown): ids beyond it are an error.
  BatchStream(const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize = 0);

  int64_t stepsPerEpoch() const { return plan_.stepsPerEpoch; }
  int64_t totalSteps() const { return plan_.totalSteps; }
  const StepPlan &plan() const { return plan_; }
  /// All micro-batches of optimizer step k, counted from 0. The last step of an epoch may have fewer or
  /// smaller ones.
  std::vector<MicroBatch> step(int64_t k) const;
  const DataReport &report() const { return report_; }
  /// 32 hex digits over every sequence, in order: equal when the same steps give the same batches.
  std::string fingerprint() const;
  /// Tokens of the longest sequence, and of the largest micro-batch that any step can hold.
  int64_t maxSequenceTokens() const;
  int64_t maxMicroBatchTokens() const;

private:
  const std::vector<int64_t> &epochOrder(int64_t epoch) const;

  StepPlan plan_;
  DataReport report_;
  uint64_t seed;
  bool shuffle;
  std::vector<Sequence> sequences;
  mutable int64_t orderEpoch = -1; ///< the epoch that `order` belongs to
  mutable std::vector<int64_t> order;
};

/// Batches of config.validation in fixed order, packed as training rows are; empty when it lists nothing.
std::vector<MicroBatch> validationBatches(const TrainConfig &config, TokenizerSource &tokenizer,
                                          int64_t vocabSize = 0, DataReport *report = nullptr);

} // namespace mlora
