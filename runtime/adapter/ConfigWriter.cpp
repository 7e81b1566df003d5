// A ModelConfig in config.json's words.
#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using nlohmann::ordered_json;

namespace mlora {
namespace {

/// f / f' of llama3 scaling for the frequency f.
double llama3Divisor(const Llama3Scaling &scaling, double frequency) {
  double wavelength = 2 * std::numbers::pi / frequency, context = scaling.originalContext;
  if (wavelength < context / scaling.highFrequencyFactor)
    return 1;
  if (wavelength > context / scaling.lowFrequencyFactor)
    return scaling.factor;
  double t = (context / wavelength - scaling.lowFrequencyFactor) /
             (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
  return 1 / ((1 - t) / scaling.factor + t);
}

double frequencyOf(const ModelConfig &config, size_t index) {
  return std::pow(config.ropeTheta, -2.0 * static_cast<double>(index) / static_cast<double>(config.headDim));
}

bool explains(const Llama3Scaling &scaling, const ModelConfig &config) {
  for (size_t i = 0; i < config.ropeDivisors.size(); ++i) {
    if (std::abs(llama3Divisor(scaling, frequencyOf(config, i)) / config.ropeDivisors[i] - 1) > 1e-4)
      return false;
  }
  return true;
}

// GGUF files keep only the divisors. Those of published models come from frequency factors 1 and 4 and a
// context that is a power of two; the largest divisor is the factor.
std::optional<Llama3Scaling> scalingOf(const ModelConfig &config) {
  if (config.llama3 || config.ropeDivisors.empty())
    return config.llama3;
  double factor = *std::max_element(config.ropeDivisors.begin(), config.ropeDivisors.end());
  if (std::all_of(config.ropeDivisors.begin(), config.ropeDivisors.end(), [](double d) { return d == 1; }))
    return std::nullopt;
  for (int64_t context = 64; context <= (1 << 24); context *= 2)
    if (Llama3Scaling scaling{factor, 1, 4, double(context)}; explains(scaling, config))
      return scaling;
  badInput("the rotary divisors of this GGUF file (rope_freqs.weight) are not those of a llama3 scaling: "
           "config.json cannot say them");
}

} // namespace

std::vector<float> rotaryDivisors(const ModelConfig &config) {
  std::vector<float> divisors(config.ropeDivisors.begin(), config.ropeDivisors.end());
  if (config.llama3)
    for (int64_t i = 0; i < config.headDim / 2; ++i)
      divisors.push_back(static_cast<float>(llama3Divisor(*config.llama3, frequencyOf(config, size_t(i)))));
  return divisors;
}

ordered_json configJson(const ModelConfig &config, const std::string &dtype) {
  ordered_json json;
  json["architectures"] = {"LlamaForCausalLM"};
  json["model_type"] = "llama";
  json["vocab_size"] = config.vocabSize;
  json["hidden_size"] = config.hiddenSize;
  json["intermediate_size"] = config.intermediateSize;
  json["num_hidden_layers"] = config.numLayers;
  json["num_attention_heads"] = config.numHeads;
  json["num_key_value_heads"] = config.numKeyValueHeads;
  json["head_dim"] = config.headDim;
  json["hidden_act"] = "silu";
  json["max_position_embeddings"] = config.maxPositions;
  json["rms_norm_eps"] = config.rmsNormEps;
  json["rope_theta"] = config.ropeTheta;
  json["rope_scaling"] = nullptr;
  if (auto scaling = scalingOf(config))
    json["rope_scaling"] = {
        {"rope_type", "llama3"},
        {"factor", scaling->factor},
        {"low_freq_factor", scaling->lowFrequencyFactor},
        {"high_freq_factor", scaling->highFrequencyFactor},
        {"original_max_position_embeddings", static_cast<int64_t>(scaling->originalContext)}};
  json["tie_word_embeddings"] = config.tiedHead;
  json["attention_bias"] = false;
  json["mlp_bias"] = false;
  json["bos_token_id"] = config.bosToken ? ordered_json(*config.bosToken) : ordered_json();
  json["eos_token_id"] = config.eosTokens.empty()       ? ordered_json()
                         : config.eosTokens.size() == 1 ? ordered_json(config.eosTokens[0])
                                                        : ordered_json(config.eosTokens);
  json["torch_dtype"] = dtype;
  return json;
}

} // namespace mlora
