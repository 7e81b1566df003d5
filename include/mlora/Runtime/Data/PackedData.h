// Files of rows become examples, and examples share sequences.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Data/Sequence.h"
#include "mlora/Runtime/Data/TokenizerSource.h"
#include "mlora/Runtime/Tasks/Dataset.h"

#include <span>

namespace mlora {

/// What became of the rows; `train` prints it and keeps it with the checkpoint.
struct DataReport {
  int64_t rows = 0;          ///< rows read (after split and limit)
  int64_t truncated = 0;     ///< of them, longer than max_length: cut at the end
  int64_t windowed = 0;      ///< of them, whole files of text longer than max_length: cut into windows
  int64_t dropped = 0;       ///< of them, without a counted label (after the cut): they would teach nothing
  int64_t longestRow = 0;    ///< tokens of the longest row, before the cut
  int64_t maxLength = 0;     ///< the max_length that they were cut to
  int64_t examples = 0;      ///< rows of an epoch, after weights, and windows
  int64_t sequences = 0;     ///< rows of micro-batches in an epoch
  int64_t tokens = 0;        ///< tokens of an epoch
  int64_t countedLabels = 0; ///< labels of an epoch that count
  std::string cacheProblem = {}; ///< of streamed data: why its tokens were not kept for a second run
  bool lacksEos = false;         ///< the tokenizer has no end-of-sequence token to train

  /// Sentences for the user: rows that were cut or dropped, a tokenizer without EOS. Often none.
  std::vector<std::string> notes() const;
};

/// Throws Error(BadInput): there is nothing to train on (or to validate with), for the reason that the counts
/// tell.
[[noreturn]] void refuseEmpty(const DataReport &report, Purpose purpose);

struct PackedData {
  std::vector<Sequence> examples;
  /// The examples (indices) of each sequence of an epoch, in the order in which they stand.
  std::vector<std::vector<int64_t>> sequences;
  DataReport report;

  Sequence sequence(int64_t index) const;
  int64_t sequenceTokens(int64_t index) const;
};

/// Reads, tokenises, cuts, weighs and packs. Throws Error(BadInput) that names file and line.
/// `specs` are the entries of the data sets.
PackedData loadPacked(std::span<const Dataset> datasets, std::span<const DatasetSpec> specs, Purpose purpose,
                      const TrainConfig &config, TokenizerSource &tokenizer, int64_t vocabSize);

} // namespace mlora
