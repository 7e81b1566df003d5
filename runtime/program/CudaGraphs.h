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
/// The first time is launched as it comes (products choose their algorithms then), the second is captured,
/// and from then on it is one call.
class CudaGraphs {
public:
  CudaGraphs(const cuda::Table &table, const Manifest &manifest, cuda::Stream *stream);

  void run(size_t section, const Scalars &scalars, const std::function<void()> &launches);
  bool isCapturing() const { return capturing; }
  /// Graphs that were captured, and how often one was launched.
  int64_t captured() const { return captures; }
  int64_t replayed() const { return replays; }

  /// With lengths that keep changing, old ones go.
  static constexpr size_t most = 32;

private:
  /// The section, and the extents that decide; others are 0.
  using Key = std::array<int64_t, 1 + LinearBytes::extents>;
  struct Entry {
    Key key;
    CudaGraph graph; ///< none after the first time
  };
  void capture(Entry &entry, const std::function<void()> &launches);

  const cuda::Table &table;
  cuda::Stream *stream;
  std::vector<std::array<bool, LinearBytes::extents>> decides; ///< of each section
  std::list<Entry> entries;                                    ///< the last used first
  int64_t captures = 0, replays = 0;
  bool capturing = false;
};

} // namespace mlora
