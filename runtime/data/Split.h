// Which file and which of its rows an entry of `datasets` means.
#pragma once

#include "mlora/Runtime/Data/PackedData.h"

#include <filesystem>
#include <utility>

namespace mlora {

/// The file of a dataset: its path, or <split>.jsonl or <split>.json in a folder. Without a split, a folder's
/// train file (validation or val for Purpose::Validation).
std::filesystem::path datasetFile(const DatasetSpec &spec, Purpose purpose);

/// [first, last) of `rows` rows, by the range of `split` (Python's, per cent allowed) and by `limit`.
std::pair<int64_t, int64_t> datasetRange(const DatasetSpec &spec, int64_t rows);

} // namespace mlora
