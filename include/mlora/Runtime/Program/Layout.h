// Where a program's buffers lie for one capacity: the linear plan of its manifest with numbers put in.
#pragma once

#include "mlora/Runtime/Program/Manifest.h"
#include "mlora/Runtime/Program/Offload.h"

namespace mlora {

/// Chunks of a run: one, of no rows, where none count, since sums over no rows are zeros that must be
/// written. 0 where the program has no loop over chunks.
int64_t chunksOf(const Manifest &manifest, const Scalars &scalars);

class Layout {
public:
  /// `capacity` bounds rows, counted_rows and kv_rows of every run. Throws Error(Failed) when the program
  /// cannot be laid out for it.
  Layout(const Manifest &manifest, const Scalars &capacity, Offload offload = {});

  const Scalars &capacity() const { return capacity_; }
  Offload offload() const { return offload_; }
  int64_t arenaBytes() const { return bytes; }
  /// Of the host, behind the arena: places from arenaBytes() on are there.
  int64_t hostBytes() const { return hostSize; }
  /// The most chunks that a run can have; 0 where the program has no loop over them.
  int64_t mostChunks() const { return chunks; }
  /// Of a slot of buffer `buffer` of the manifest, from the arena's beginning.
  int64_t offset(size_t buffer, int64_t slot) const {
    return places[buffer].offset + slot * places[buffer].slotBytes;
  }

  /// Weights of layers that live in the host's memory pass through a ring in the arena: slot `slot` of such a
  /// buffer is copied to its ring's place slot mod ringSlots.
  static constexpr int64_t ringSlots = 2;
  bool isInRing(size_t buffer) const { return places[buffer].ring >= 0; }
  int64_t ringOffset(size_t buffer, int64_t slot) const {
    return places[buffer].ring + slot % ringSlots * places[buffer].slotBytes;
  }
  int64_t slotBytes(size_t buffer) const { return places[buffer].slotBytes; }

private:
  struct Place {
    int64_t offset, slotBytes, ring = -1;
  };
  int64_t placeFixed(const Manifest &manifest);

  Scalars capacity_;
  Offload offload_;
  int64_t bytes = 0, hostSize = 0, chunks = 0;
  std::vector<Place> places; ///< one a buffer of the manifest
};

} // namespace mlora
