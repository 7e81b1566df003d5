// Checkpoints of any configuration with random weights, on disk: for tests and benchmarks of what streams
// them.
#pragma once

#include "mlora/Runtime/Model/ModelConfig.h"

namespace mlora {

struct SyntheticOptions {
  int64_t shards = 1;
  std::string dtype = "BF16"; ///< or "F16", "F32"
  uint64_t seed = 1;
};

/// Writes a Hugging Face folder, aside and then renamed: `configText` as config.json with its dtype replaced,
/// weights uniform with deviation 0.02 (norms are ones), in files of about the same size in the model's
/// order. The same arguments give the same bytes. Throws when the folder exists and is not empty.
void writeSyntheticCheckpoint(const std::string &configText, const std::filesystem::path &folder,
                              const SyntheticOptions &options);

} // namespace mlora
