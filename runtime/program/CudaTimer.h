// Times of launches on a GPU, taken without waiting for each: an event before and one behind it.
#pragma once

#include "CudaHandles.h"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace mlora {

class CudaTimer {
public:
  CudaTimer(const cuda::Table &table, cuda::Stream *stream) : table(table), stream(stream) {}

  void time(int kernel, const std::function<void()> &launch);
  /// Kernel and seconds of each since the last call, when the last one is done.
  std::vector<std::pair<int, double>> take();

private:
  struct Pair {
    CudaEvent start, end;
  };
  const cuda::Table &table;
  cuda::Stream *stream;
  std::vector<Pair> events; ///< used again by the next section
  std::vector<int> kernels; ///< of the first ones, those whose times were not taken
};

} // namespace mlora
