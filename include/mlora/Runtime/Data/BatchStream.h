// The training data as a function of the optimizer step: any step's micro-batches, always the same.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Data/PackedData.h"
#include "mlora/Runtime/Data/Shard.h"
#include "mlora/Runtime/Data/StepPlan.h"

namespace mlora {

/// Step k of training is known without the steps before it: resuming at step k costs nothing, and the data's
/// position in a checkpoint is its step (and `fingerprint()`, to see that the data is the same). Two ways,
/// told apart by the number of rows of an epoch alone:
///
/// Below 5,000 rows all are read, tokenised and packed at once; an epoch is a permutation of the packed
/// sequences, drawn from (seed, epoch).
///
/// From there on the data is *streamed*: a thread tokenises ahead of training, rows are permuted by (seed,
/// epoch) and packed as they come, and tokens are kept in a cache for the next run. How many steps there are
/// is not known at the beginning: without max_steps the run ends with its share of rows, and the learning
/// rate follows that share.
class BatchStream {
public:
  /// Reads config.datasets. `tokenizer` outlives this object. `vocabSize` is the model's (0: unknown): ids
  /// beyond it are an error.
  BatchStream(const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize = 0, Shard shard = {});
  ~BatchStream();

  /// Whether there is a step k, counted from 0. Streamed data may wait for its tokens; throws Error(BadInput)
  /// for a row that cannot be read, as step() does.
  bool hasStep(int64_t k) const;
  /// All micro-batches of optimizer step k (of our shard). The last step of an epoch may have fewer or
  /// smaller ones.
  std::vector<MicroBatch> step(int64_t k) const;

  /// Share of training that is done before step k, 0 to 1: of steps, or of rows where those are what is
  /// known.
  double share(int64_t k) const;
  bool followsRows() const;
  /// Epochs done after so many steps, as trainer_log.jsonl shows them.
  double epochsAfter(int64_t steps) const;
  /// The number of steps in all; an estimate by the share of rows where it is not known. `done`: those done
  /// so far.
  int64_t expectedSteps(int64_t done) const;

  /// These wait until all rows are tokenised.
  int64_t stepsPerEpoch() const;
  int64_t totalSteps() const;
  DataReport report() const;
  /// They do not wait any more.
  bool isComplete() const;

  /// 32 hex digits: equal when the same steps give the same batches.
  std::string fingerprint() const;
  /// Tokens of the longest sequence; of streamed data max_length, which none exceeds.
  int64_t maxSequenceTokens() const;
  /// No micro-batch of any step has more tokens.
  int64_t maxMicroBatchTokens() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// Batches of config.validation in fixed order, packed as training rows are; empty when it lists nothing.
std::vector<MicroBatch> validationBatches(const TrainConfig &config, TokenizerSource &tokenizer,
                                          int64_t vocabSize = 0, DataReport *report = nullptr);

} // namespace mlora
