// Tokens on their way from a row of a file to a row of a micro-batch.
#pragma once

#include <cstdint>
#include <vector>

namespace mlora {

/// The lists have one entry a token. Documents are numbered 0, 1, … in order, each contiguous, and the first
/// label of each is ignoredLabel.
struct Sequence {
  std::vector<int32_t> ids, labels, documents;
  /// One entry a document: tokens that were cut from its end. Empty: none of any.
  std::vector<int64_t> cut = {};

  int64_t size() const { return int64_t(ids.size()); }
  /// Labels other than ignoredLabel.
  int64_t countedLabels() const;
  /// Keeps the first `most` tokens; documents that lose all of theirs are gone, and count as cut from the
  /// last one.
  void truncate(int64_t most);
  /// How many windows of `most` tokens one document is cut into: 1 where all of it fits.
  int64_t countWindows(int64_t most) const;
  /// One of them. The last token of each is the first of the next, so that all tokens but the first are
  /// trained.
  Sequence window(int64_t index, int64_t most) const;
  /// Appends the other's documents after ours.
  void append(const Sequence &other);
  bool operator==(const Sequence &) const = default;
};

} // namespace mlora
