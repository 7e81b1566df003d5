// `split` of an entry: the name of a part of a data set and a range of its rows.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"

#include <utility>

namespace mlora {

/// `train[:90%]` is name `train` and range `:90%`; both may be empty.
struct SplitRange {
  std::string name, range;

  /// Throws Error(BadInput) for anything else.
  static SplitRange parse(const DatasetSpec &spec);
  /// [first, last) of `rows` rows: Python's, per cent allowed.
  std::pair<int64_t, int64_t> of(int64_t rows, const DatasetSpec &spec) const;
};

} // namespace mlora
