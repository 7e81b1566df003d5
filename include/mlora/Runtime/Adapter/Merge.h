// base + adapter = a dense checkpoint: W' = W + sum_i c · diag(s_i) · B_i · A_i.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"
#include "mlora/Runtime/Model/Checkpoint.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

namespace mlora {

struct MergeOptions {
  std::filesystem::path output;
  std::string dtype = "f32"; ///< or "bf16"
  /// Files that go along (name, bytes): a tokenizer's, for a base that is no folder. They take the place of
  /// the base's own files of the same names.
  std::vector<std::pair<std::string, std::string>> files;
  /// Values of a weight that are in memory at once.
  int64_t blockValues = int64_t(4) << 20;
  /// Called with the values done and the total: with 0 before anything is written, then after each block.
  std::function<void(int64_t, int64_t)> progress;
};

/// How one kind of projection fared, over all layers.
struct MergedProjection {
  std::string name;
  double updateNorm = 0; ///< ‖Δ‖
  /// 1 − ‖stored(W + Δ) − stored(W) − Δ‖ / ‖Δ‖, at least 0: what rounding to the output's dtype left of the
  /// update.
  double survived = 1;
  double changed = 0; ///< fraction of elements whose stored value is not the base's
};

struct MergeReport {
  std::vector<MergedProjection> projections;
  std::string fingerprint; ///< of the base
  nlohmann::ordered_json toJson() const;
};

/// Writes a Hugging Face folder (config.json, model.safetensors, tokenizer files), aside and then renamed.
/// The base is only read. An existing output folder is replaced only if it holds nothing but what an
/// earlier merge wrote. Refuses an adapter of another base. Memory does not grow with the model.
MergeReport merge(const Checkpoint &base, const Adapter &adapter, const MergeOptions &options);

/// config.json of a model in Hugging Face's words, for a base that has none. `dtype` is "float32" or
/// "bfloat16". Throws when the rotary divisors of a GGUF file are not those of a llama3 scaling.
nlohmann::ordered_json configJson(const ModelConfig &config, const std::string &dtype);

} // namespace mlora
