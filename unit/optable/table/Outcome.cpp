#include "Outcome.h"

#include <algorithm>
#include <cmath>

namespace optable {

double relativeError(const std::vector<float> &a, const std::vector<double> &b) {
  if (a.size() != b.size())
    return INFINITY;
  double worst = 0, scale = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    double error = std::abs(double(a[i]) - b[i]);
    if (std::isnan(error))
      return INFINITY;
    worst = std::max(worst, error);
    scale = std::max(scale, std::abs(b[i]));
  }
  return worst == 0 ? 0 : worst / scale;
}

std::vector<size_t> sampleOf(size_t elements) {
  constexpr size_t most = 1024;
  // Odd, so that it meets every column of a tile.
  size_t stride = (elements + most - 1) / most | 1;
  std::vector<size_t> sample;
  for (size_t i = 0; i < elements; i += stride)
    sample.push_back(i);
  return sample;
}

} // namespace optable
