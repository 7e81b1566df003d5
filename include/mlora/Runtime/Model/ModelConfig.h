// A LLaMA-family model's sizes and conventions, from config.json or from GGUF metadata (FORMATS section 2).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mlora {

class GgufFile;

/// llama3 rotary scaling: λ = 2π/f; λ < context/high: f; λ > context/low: f/factor; between: interpolated.
struct Llama3Scaling {
  double factor = 1, lowFrequencyFactor = 1, highFrequencyFactor = 4, originalContext = 8192;
};

struct ModelConfig {
  int64_t vocabSize = 0, hiddenSize = 0, intermediateSize = 0, numLayers = 0, numHeads = 0,
          numKeyValueHeads = 0, headDim = 0, maxPositions = 0;
  double rmsNormEps = 1e-5, ropeTheta = 10000;
  std::optional<Llama3Scaling> llama3;
  /// Divisors of the rotary frequencies, headDim / 2 of them (GGUF's rope_freqs.weight); empty: none.
  std::vector<double> ropeDivisors;
  bool tiedHead = false;
  std::optional<int64_t> bosToken;
  std::vector<int64_t> eosTokens;
  std::string dtype = "float32"; ///< as the checkpoint stores its weights, for messages and merge

  /// Reads `config.json` or a `.gguf` file or a folder that holds a config.json. Throws Error(BadInput) that
  /// names the file and the key for an unknown architecture, rope type, activation, bias, or a size that does
  /// not fit.
  static ModelConfig read(const std::filesystem::path &path);
  static ModelConfig fromJson(const std::string &text, const std::string &where);
  static ModelConfig fromGguf(const GgufFile &file);
};

/// Tokens that end a generated text, of a model of this configuration at this path: those of the folder's
/// generation_config.json where it names some, as transformers does, else config.json's.
std::vector<int64_t> generationEnds(const std::filesystem::path &model, const ModelConfig &config);

} // namespace mlora
