// What a case's kernels left, and how far it is from what is right.
#pragma once

#include "Case.h"

namespace optable {

/// What a function left behind.
struct Outcome {
  std::vector<std::vector<float>> results;
  std::vector<std::string> damage; ///< memory that was written and does not belong to a result
};

/// max |a - b| / max |b|; infinite where one is NaN. Of zeros a must be zero.
double relativeError(const std::vector<float> &a, const std::vector<double> &b);

/// What is kept of a result of so many elements where all would be too much to carry: these of them.
std::vector<size_t> sampleOf(size_t elements);

} // namespace optable
