// Sections as CUDA graphs: what a section launches is the same for the same grids.
#pragma once

#include "CudaHandles.h"
#include "mlora/Runtime/Program/Manifest.h"

#include <array>
#include <functional>
#include <list>
#include <vector>

namespace mlora {

/// Kernels read scalars from memory, so that a graph depends on those alone that its launches are made from:
/// by grids, products and tensor maps.
/// At first they are launched as they come (products choose their algorithms then), then captured once, and
/// from then on they are one call.
class CudaGraphs {
public:
  CudaGraphs(const cuda::Table &table, const Manifest &manifest, cuda::Stream *stream);

  void run(size_t section, const Scalars &scalars, const std::function<void()> &launches);
  bool isCapturing() const { return capturing; }
  /// For a launch that cannot be captured: the section is launched again, as it comes.
  void abandonCapture() { abandoned = true; }
  /// Graphs that were captured, and how often one was launched.
  int64_t captured() const { return captures; }
  int64_t replayed() const { return replays; }

  /// With lengths that keep changing, old ones go.
  static constexpr size_t most = 32;
  /// So often as they come: capturing costs a pass over the launches in which the GPU has nothing to do, and
  /// packed micro-batches of one length may never come again.
  static constexpr int timesBefore = 2;

private:
  /// The section, and the extents that decide; others are 0.
  using Key = std::array<int64_t, 1 + LinearBytes::extents>;
  struct Entry {
    Key key;
    int times;       ///< that it was launched as it comes
    CudaGraph graph; ///< none before it was captured
  };
  /// Whether there is a graph now.
  bool capture(Entry &entry, const std::function<void()> &launches);

  const cuda::Table &table;
  cuda::Stream *stream;
  std::vector<std::array<bool, LinearBytes::extents>> decides; ///< of each section
  std::list<Entry> entries;                                    ///< the last used first
  int64_t captures = 0, replays = 0;
  bool capturing = false, abandoned = false;
};

} // namespace mlora
