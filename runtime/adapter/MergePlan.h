// What a merge writes, byte by byte, before any of it is written.
#pragma once

#include "StoreRounding.h"
#include "mlora/Runtime/Adapter/Merge.h"

#include <optional>

namespace mlora {

/// One tensor of the output.
struct PlannedTensor {
  std::string name;    ///< in its file
  StoredTensor source; ///< without a file: `literal` is the data
  std::string literal;
  std::optional<StoreFormat> format; ///< absent: the source's bytes as they are
  uint64_t offset = 0, bytes = 0;    ///< in the output file
  int64_t rows = 0, columns = 0;
  int64_t layer = -1; ///< of a weight with an update; -1: of none
  std::string target; ///< which of the layer's; empty: no update
  /// Where the updated weight itself lies; absent: adapters have the update.
  std::optional<StoredTensor> trained;
  bool neighbours = false; ///< rows of each head in GGUF's rotary order

  bool updated() const { return !target.empty(); }
  /// Whether rows of what is read lie in another order.
  bool turns(const StoredTensor &read) const { return neighbours != read.neighbours; }
};

struct PlannedFile {
  std::string name, head;
  std::vector<PlannedTensor> tensors;
  uint64_t bytes = 0; ///< of the whole file
};

struct MergePlan {
  std::vector<PlannedFile> files;
  std::string index;       ///< model.safetensors.index.json; empty: one file
  std::string configDtype; ///< for config.json; empty: the base's own stays
  std::vector<std::string> asHalves;
};

/// Throws Error(BadInput) for a dtype that the format cannot store.
MergePlan planMerge(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                    const MergeOptions &options);
MergePlan planMerge(const Checkpoint &base, const Checkpoint &trained, const MergeOptions &options);

// Parts of it.
MergePlan planHuggingFace(const Checkpoint &base, const MergeOptions &options);
MergePlan planGguf(const Checkpoint &base, const MergeOptions &options);

} // namespace mlora
