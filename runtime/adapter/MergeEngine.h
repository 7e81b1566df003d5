// The work of a merge: blocks of rows read, added to, rounded and written by several threads at once.
#pragma once

#include "MergeJournal.h"
#include "MergePlan.h"

#include <map>

namespace mlora {

/// Sums of each updated weight, by layer (-1: of none) and kind.
using LayerSums = std::map<std::pair<int64_t, std::string>, UpdateSums>;

/// Writes every file of the plan into the journal's folder. What the journal says is done is left as it is.
LayerSums runMerge(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                   const MergeOptions &options, const MergePlan &plan, MergeJournal &journal);

} // namespace mlora
