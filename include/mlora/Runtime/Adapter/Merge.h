// base + adapters = a dense checkpoint: W' = W + sum over adapters and branches of c · diag(s_i) · B_i · A_i.
// Or weights that method=ft trained, in the layout of their base: W' = W + (W_ft − W) = W_ft.
#pragma once

#include "mlora/Runtime/Adapter/AdapterSource.h"
#include "mlora/Runtime/Model/Checkpoint.h"
#include "mlora/Runtime/Model/GgufWriter.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

namespace mlora {

enum class MergeFormat { HuggingFace, Gguf };

struct MergeOptions {
  /// A folder, or a .gguf file.
  std::filesystem::path output;
  /// What weights are stored as: f32, f16, bf16, or for GGUF also q8_0. Empty: as the base stores them; block
  /// formats other than q8_0 become f32. In GGUF vectors are f32, and rows that Q8_0 cannot cut are f16.
  std::string dtype = "f32";
  /// For a folder: files that go along (name, bytes), a tokenizer's, for a base that is no folder. They take
  /// the place of the base's own files of the same names.
  std::vector<std::pair<std::string, std::string>> files;
  /// Values of a weight that a thread works on at once.
  int64_t blockValues = int64_t(1) << 20;
  /// Called with the values done and the total: with 0 before anything is written, then now and again, by the
  /// thread that called merge(). It may throw: Status::Interrupted keeps what is done for the next call.
  std::function<void(int64_t, int64_t)> progress;

  MergeFormat format = MergeFormat::HuggingFace;
  /// For GGUF from a folder: the tokenizer as metadata (ggufTokenizer()); a base in GGUF keeps its own.
  GgufFields tokenizer;
  /// Round up with the probability of the distance to the value below: an update is kept in the mean however
  /// small. Depends on seed, tensor and element alone.
  bool stochastic = false;
  uint64_t seed = 42;
  int64_t threads = 0; ///< 0: every core; the bytes do not depend on it
};

/// How updates fared, of one projection: in one layer, or over all (layer -1). Of trained weights also of the
/// norms, the embedding and the head; those of no layer have -1 too.
struct MergedProjection {
  std::string name;
  double updateNorm = 0; ///< ‖Δ‖
  /// 1 − ‖stored(W + Δ) − stored(W) − Δ‖ / ‖Δ‖, at least 0: what rounding to the output's dtype left of the
  /// update.
  double survived = 1;
  double changed = 0; ///< fraction of elements whose stored value is not the base's
  int64_t layer = -1;
  /// ⟨stored(W + Δ) − stored(W), Δ⟩ / ‖Δ‖²: how much of Δ is there in the mean; near 1 with stochastic
  /// rounding, whose noise `survived` counts as lost.
  double inMean = 1;
};

struct MergeReport {
  std::vector<MergedProjection> projections; ///< over all layers
  std::vector<MergedProjection> layers;      ///< each one
  std::string fingerprint;                   ///< of the base
  int64_t resumedTensors = 0;                ///< taken over from a call that was killed
  std::vector<std::string> asHalves;         ///< tensors in f16 because Q8_0 cannot cut their rows
  nlohmann::ordered_json toJson() const;
};

/// Writes the checkpoint aside (`.<name>.merge` beside it, with a journal) and renames it when it is whole: a
/// HF folder with the base's shards and order of tensors, or a GGUF file. A call that was killed is taken up
/// where it was by the same call (same base, adapters, options). The base is only read. An existing output is
/// replaced only if a merge wrote it. Refuses adapters of another base or other shapes. Memory does not grow
/// with the model, the adapters or a tensor.
MergeReport merge(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                  const MergeOptions &options);
MergeReport merge(const Checkpoint &base, const Adapter &adapter, const MergeOptions &options);
/// The same of a model that method=ft saved (isWholeModel), or any with the base's tensors in a HF folder:
/// what is stored is its weights, rounded once. Refuses one of another base, or with other tensors or
/// conventions.
MergeReport merge(const Checkpoint &base, const Checkpoint &trained, const MergeOptions &options);

/// config.json of a model in Hugging Face's words, for a base that has none. `dtype` is "float32", "float16"
/// or "bfloat16". Throws when the rotary divisors of a GGUF file are not those of a llama3 scaling.
nlohmann::ordered_json configJson(const ModelConfig &config, const std::string &dtype);

/// Divisors of the rotary frequencies, headDim / 2 of them; empty where there is no scaling.
std::vector<float> rotaryDivisors(const ModelConfig &config);

} // namespace mlora
