// Tokens on their way from a row of a file to a row of a micro-batch.
#pragma once

#include <cstdint>
#include <vector>

namespace mlora {

/// The lists have one entry a token. Documents are numbered 0, 1, … in order, each contiguous, and the first
/// label of each is ignoredLabel.
struct Sequence {
  std::vector<int32_t> ids, labels, documents;

  int64_t size() const { return int64_t(ids.size()); }
  /// Labels other than ignoredLabel.
  int64_t countedLabels() const;
  /// Appends the other's documents after ours.
  void append(const Sequence &other);
  bool operator==(const Sequence &) const = default;
};

} // namespace mlora
