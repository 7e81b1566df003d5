// Weights that lie in another program's memory: one copy of a model serves training and evaluation.
#pragma once

#include "mlora/Runtime/Program/Layout.h"

#include <cstddef>

namespace mlora {

class BorrowedWeights {
public:
  /// None.
  BorrowedWeights() = default;
  /// Every weight of `mine` that the lender holds as a weight or, where it trains the model, as a parameter, of the
  /// same type and in the same order. `memory` is the lender's arena, and outlives this object.
  BorrowedWeights(const Manifest &mine, const Manifest &lender, const Layout &layout, std::byte *memory);

  bool has(size_t buffer) const { return buffer < lent.size() && lent[buffer] >= 0; }
  /// Of a slot of one of my buffers.
  void *address(size_t buffer, int64_t slot) const {
    return memory + layout->offset(size_t(lent[buffer]), slot);
  }

private:
  std::vector<int> lent; ///< the lender's buffer, one a buffer of mine; -1: its own
  const Layout *layout = nullptr;
  std::byte *memory = nullptr;
};

} // namespace mlora
