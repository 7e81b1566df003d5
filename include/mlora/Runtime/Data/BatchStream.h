// The training data as a function of the optimizer step: any step's micro-batches, at once, always the same.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Data/PackedData.h"
#include "mlora/Runtime/Data/StepPlan.h"

namespace mlora {

/// Rows are read, tokenised and packed once; an epoch is a permutation of the packed sequences, drawn from
/// (seed, epoch) alone. Step k of training is therefore known without the steps before it: resuming at step k
/// costs nothing, and the data's position in a checkpoint is its step (and `fingerprint()`, to see that the
/// data is the same).
class BatchStream {
public:
  /// Reads config.datasets. `vocabSize` is the model's (0: unknown): ids beyond it are an error.
  BatchStream(const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize = 0);

  int64_t stepsPerEpoch() const { return steps.stepsPerEpoch; }
  int64_t totalSteps() const { return steps.totalSteps; }
  const StepPlan &plan() const { return steps; }
  /// All micro-batches of optimizer step k, counted from 0. The last step of an epoch may have fewer or
  /// smaller ones.
  std::vector<MicroBatch> step(int64_t k) const;
  const DataReport &report() const { return data.report; }
  /// 32 hex digits: equal when the same steps give the same batches.
  std::string fingerprint() const;
  /// Tokens of the longest sequence.
  int64_t maxSequenceTokens() const;
  /// No micro-batch of any step has more tokens.
  int64_t maxMicroBatchTokens() const;

private:
  const std::vector<int64_t> &epochOrder(int64_t epoch) const;

  PackedData data;
  StepPlan steps;
  uint64_t seed;
  bool shuffle;
  mutable int64_t orderEpoch = -1; ///< the epoch that `order` belongs to
  mutable std::vector<int64_t> order;
};

/// Batches of config.validation in fixed order, packed as training rows are; empty when it lists nothing.
std::vector<MicroBatch> validationBatches(const TrainConfig &config, TokenizerSource &tokenizer,
                                          int64_t vocabSize = 0, DataReport *report = nullptr);

} // namespace mlora
