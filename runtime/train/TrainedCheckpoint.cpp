#include "TrainedCheckpoint.h"

#include <algorithm>

namespace mlora {

void TrainedCheckpoint::read(const std::string &name, std::span<float> out) const {
  const ParameterTensor *tensor = trained.find(name);
  if (!tensor)
    return base.read(name, out);
  std::ranges::copy(trained.read(*tensor, ParameterPart::Value), out.begin());
}

void TrainedCheckpoint::readRows(const std::string &name, int64_t firstRow, int64_t rows,
                                 std::span<float> out) const {
  const ParameterTensor *tensor = trained.find(name);
  if (!tensor)
    return base.readRows(name, firstRow, rows, out);
  std::vector<float> values = trained.read(*tensor, ParameterPart::Value);
  int64_t columns = tensor->shape.size() < 2 ? 1 : tensor->shape[1];
  std::copy_n(values.begin() + firstRow * columns, rows * columns, out.begin());
}

} // namespace mlora
