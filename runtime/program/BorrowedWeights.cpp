#include "mlora/Runtime/Program/BorrowedWeights.h"

#include <algorithm>

namespace mlora {
namespace {

bool isSame(const ParameterView &a, const ParameterView &b) {
  return a.name == b.name && a.offset == b.offset && a.shape == b.shape && a.strides == b.strides;
}

/// What a buffer holds of a checkpoint.
std::vector<ParameterView> tensorsOf(const Manifest &manifest, size_t buffer) {
  if (manifest.buffers[buffer].role != Role::Parameter)
    return manifest.buffers[buffer].tensors;
  std::vector<ParameterView> views;
  for (const ParameterView &view : manifest.parameters)
    if (view.buffer == int(buffer))
      views.push_back(view);
  return views;
}

} // namespace

BorrowedWeights::BorrowedWeights(const Manifest &mine, const Manifest &lender, const Layout &layout,
                                 std::byte *memory)
    : lent(mine.buffers.size(), -1), layout(&layout), memory(memory) {
  for (size_t i = 0; i < lent.size(); ++i) {
    const Buffer &buffer = mine.buffers[i];
    if (buffer.role != Role::Weight || buffer.tensors.empty())
      continue;
    for (size_t k = 0; k < lender.buffers.size() && !has(i); ++k) {
      const Buffer &other = lender.buffers[k];
      if ((other.role == Role::Weight || other.role == Role::Parameter) && other.type == buffer.type &&
          other.slots == buffer.slots && other.staticShape() == buffer.staticShape() &&
          std::ranges::equal(tensorsOf(lender, k), buffer.tensors, isSame))
        lent[i] = int(k);
    }
  }
}

} // namespace mlora
