// What one micro-step of training reads, as people see it (rows of tokens) and as a program takes it (flat).
#pragma once

#include <cstdint>
#include <vector>

namespace mlora {

/// A label that does not count.
inline constexpr int32_t ignoredLabel = -100;

/// Rows of tokens; they may differ in length (there is no padding). Labels are aligned with inputs: the token
/// at t predicts labels[t + 1]. Positions begin at 0 in each document, and a document is never attended from
/// another.
struct MicroBatch {
  std::vector<std::vector<int32_t>> inputIds, labels, positionIds, documentIds;
  /// For people: of each row's documents, the tokens that were cut from its end. A row without any may be
  /// empty.
  std::vector<std::vector<int64_t>> cut = {};

  /// Tokens of all rows.
  int64_t tokens() const;
  /// Labels that count: those which some token of the same row predicts.
  int64_t countedLabels() const;
};

/// The inputs of a training program (docs/architecture.md, "Token extents"): batch rows one after another.
struct ProgramInputs {
  std::vector<int32_t> inputIds, positionIds, documentStart; ///< one a token row
  std::vector<int32_t> counted; ///< token rows whose next token is a counted label
  std::vector<int32_t> targets; ///< those labels
};

/// Throws Error(BadInput) when the lists of a row differ in length, when a document's ids are not contiguous
/// in its row, or when the first label of a document counts (the document before would predict it).
ProgramInputs flatten(const MicroBatch &batch);

} // namespace mlora
