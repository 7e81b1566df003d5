#include "Weights.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Shuffle.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace mlora {

std::vector<int64_t> weighted(const DatasetSpec &spec, int64_t count, uint64_t dataset, uint64_t seed) {
  std::vector<int64_t> rows;
  double whole = std::floor(spec.weight);
  if (whole * double(count) > 1e9) {
    std::ostringstream number; // as %g: 1e+300, not its 301 digits
    number << spec.weight;
    badInput("dataset " + spec.path + ": weight: " + number.str() + " makes an epoch of more than 1e9 rows");
  }
  for (int64_t copy = 0; copy < int64_t(whole); ++copy)
    for (int64_t i = 0; i < count; ++i)
      rows.push_back(i);
  int64_t part = std::llround((spec.weight - whole) * double(count));
  std::vector<int64_t> drawn = permutation(count, spec.seed.value_or(seed), (uint64_t(1) << 63) + dataset);
  drawn.resize(size_t(part));
  std::ranges::sort(drawn);
  rows.insert(rows.end(), drawn.begin(), drawn.end());
  return rows;
}

} // namespace mlora
