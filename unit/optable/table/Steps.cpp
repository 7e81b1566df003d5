#include "Steps.h"

#include "mlora/Runtime/Model/FloatFormats.h"

#include <numeric>

namespace optable {

int64_t Launch::blocks(const Execution &run) const {
  int64_t blocks = 1;
  for (auto [extent, block] : grid)
    blocks *= (sizeOf(extent, run) + block - 1) / block;
  return blocks;
}

std::vector<unsigned> Steps::homes(const Case &oneCase) const {
  std::vector<unsigned> home(memories.size());
  std::iota(home.begin(), home.end(), 0u);
  for (size_t i = 0; i < oneCase.arguments.size(); ++i)
    for (size_t j = 0; j < oneCase.results.size(); ++j)
      if (oneCase.results[j].inPlaceOf == oneCase.arguments[i].name)
        home[returned[j]] = unsigned(i);
  return home;
}

void write(void *memory, const std::vector<double> &values, Element element) {
  for (size_t i = 0; i < values.size(); ++i)
    if (element == Element::I32)
      static_cast<int32_t *>(memory)[i] = int32_t(values[i]);
    else if (element == Element::BF16)
      static_cast<uint16_t *>(memory)[i] = mlora::floatToBfloat(float(values[i]));
    else
      static_cast<float *>(memory)[i] = float(values[i]);
}

std::vector<float> read(const void *memory, size_t bytes, Element element) {
  std::vector<float> values(bytes / bytesOf(element));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = element == Element::BF16 ? mlora::bfloatToFloat(static_cast<const uint16_t *>(memory)[i])
                                         : static_cast<const float *>(memory)[i];
  return values;
}

} // namespace optable
