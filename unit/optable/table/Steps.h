// A function of launches, as whoever runs it needs it: memories by number, launches in order. Shared by all
// targets.
#pragma once

#include "Case.h"

namespace optable {

/// A value of a function: where its elements are counted.
struct Memory {
  Shape shape;
  Element element;

  size_t bytes(const Execution &run) const { return bytesOf(element) * size_t(elementsOf(shape, run)); }
};

struct Launch {
  std::string kernel;
  std::vector<std::pair<int64_t, int64_t>> grid; ///< extent (as in Shape), block
  std::vector<unsigned> buffers;                 ///< numbers of memories: operands, then results
  size_t operands;

  int64_t blocks(const Execution &run) const;
};

/// A function's launches, its arguments' memories first.
struct Steps {
  std::vector<Memory> memories;
  std::vector<Launch> launches;
  std::vector<unsigned> returned;

  /// Which memory each value lies in: results in place lie in an argument's.
  std::vector<unsigned> homes(const Case &oneCase) const;
};

/// Values as kernels read and write them.
void write(void *memory, const std::vector<double> &values, Element element);
std::vector<float> read(const void *memory, size_t bytes, Element element);

} // namespace optable
