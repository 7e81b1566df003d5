// Where a program's buffers lie for one capacity: the linear plan of its manifest with numbers put in.
#pragma once

#include "mlora/Runtime/Program/Manifest.h"

namespace mlora {

/// Chunks of a run: one, of no rows, where none count, since sums over no rows are zeros that must be
/// written. 0 where the program has no loop over chunks.
int64_t chunksOf(const Manifest &manifest, const Scalars &scalars);

class Layout {
public:
  /// `capacity` bounds rows, counted_rows and kv_rows of every run. Throws Error(Failed) when the program
  /// cannot be laid out for it.
  Layout(const Manifest &manifest, const Scalars &capacity);

  const Scalars &capacity() const { return capacity_; }
  int64_t arenaBytes() const { return bytes; }
  /// The most chunks that a run can have; 0 where the program has no loop over them.
  int64_t mostChunks() const { return chunks; }
  /// Of a slot of buffer `buffer` of the manifest, from the arena's beginning.
  int64_t offset(size_t buffer, int64_t slot) const {
    return places[buffer].offset + slot * places[buffer].slotBytes;
  }

private:
  struct Place {
    int64_t offset, slotBytes;
  };

  Scalars capacity_;
  int64_t bytes = 0, chunks = 0;
  std::vector<Place> places; ///< one a buffer of the manifest
};

} // namespace mlora
