// config.json as Hugging Face writes it: rope_theta with rope_scaling until transformers 4, rope_parameters
// since 5.
#include "ModelConfigParts.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"

#include <algorithm>

using nlohmann::json;

namespace mlora {
namespace {

void checkArchitecture(const JsonFields &fields) {
  static const std::string known = "; models of the type llama (LlamaForCausalLM) are read";
  std::optional<std::string> type = fields.optionalString("model_type");
  if (type && *type != "llama")
    fields.refuse("model_type", "'" + *type + "' is an unknown architecture" + known);
  if (fields.has("architectures")) {
    std::vector<std::string> names = fields.strings("architectures");
    // The second spelling is that of the first weeks of the class.
    auto isLlama = [](const std::string &name) {
      return name == "LlamaForCausalLM" || name == "LLaMAForCausalLM";
    };
    if (std::none_of(names.begin(), names.end(), isLlama))
      fields.refuse("architectures",
                    fields.raw()["architectures"].dump() + " is an unknown architecture" + known);
  } else if (!type) {
    fields.refuse("model_type", "is missing" + known);
  }
}

// What would change the arithmetic and is not built.
void refuseVariants(const JsonFields &fields) {
  std::string activation = fields.optionalString("hidden_act").value_or("silu");
  if (activation != "silu")
    fields.refuse("hidden_act", "'" + activation + "' is an unknown activation; silu is expected");
  for (const char *bias : {"attention_bias", "mlp_bias"})
    if (fields.optionalBoolean(bias).value_or(false))
      fields.refuse(bias, "true: projections with a bias are not supported");
  if (fields.has("quantization_config"))
    fields.refuse("quantization_config",
                  "quantised Hugging Face checkpoints are not read: use a .gguf file or the "
                  "original weights");
  if (fields.optionalNumber("partial_rotary_factor").value_or(1) != 1)
    fields.refuse("partial_rotary_factor", "rotary positions on a part of a head are not supported");
}

// `rope` is rope_scaling or rope_parameters.
void readRope(const JsonFields &rope, ModelConfig &config) {
  std::string type =
      rope.has("rope_type") ? rope.string("rope_type") : rope.optionalString("type").value_or("default");
  if (auto theta = rope.optionalNumber("rope_theta"))
    config.ropeTheta = *theta;
  if (rope.optionalNumber("partial_rotary_factor").value_or(1) != 1)
    rope.refuse("partial_rotary_factor", "rotary positions on a part of a head are not supported");
  if (type == "llama3") {
    config.llama3 =
        Llama3Scaling{rope.number("factor"), rope.number("low_freq_factor"), rope.number("high_freq_factor"),
                      rope.number("original_max_position_embeddings")};
  } else if (type != "default") {
    rope.refuse(rope.has("rope_type") ? "rope_type" : "type",
                "'" + type + "' is an unknown rope type; default and llama3 are read");
  }
}

// A token id, a list of ids, or null.
std::vector<int64_t> tokenIds(const JsonFields &fields, const char *key) {
  if (!fields.has(key))
    return {};
  const json &value = fields.raw()[key];
  if (!value.is_array())
    return {fields.integer(key)};
  for (const json &id : value)
    if (!id.is_number_integer())
      fields.refuse(key, "token ids are expected, found " + value.dump());
  return value.get<std::vector<int64_t>>();
}

} // namespace

ModelConfig ModelConfig::fromJson(const std::string &text, const std::string &where) {
  json root = parseJson(text, where);
  JsonFields fields(root, where);
  checkArchitecture(fields);
  refuseVariants(fields);

  ModelConfig config;
  config.vocabSize = fields.integer("vocab_size");
  config.hiddenSize = fields.integer("hidden_size");
  config.intermediateSize = fields.integer("intermediate_size");
  config.numLayers = fields.integer("num_hidden_layers");
  config.numHeads = fields.integer("num_attention_heads");
  config.numKeyValueHeads = fields.optionalInteger("num_key_value_heads").value_or(config.numHeads);
  config.maxPositions = fields.optionalInteger("max_position_embeddings")
                            .value_or(fields.optionalInteger("max_sequence_length").value_or(2048));
  config.rmsNormEps = fields.optionalNumber("rms_norm_eps").value_or(1e-6);
  config.ropeTheta = fields.optionalNumber("rope_theta").value_or(10000);
  config.tiedHead = fields.optionalBoolean("tie_word_embeddings").value_or(false);
  config.dtype = fields.optionalString(fields.has("dtype") ? "dtype" : "torch_dtype").value_or("float32");
  for (const char *key : {"rope_scaling", "rope_parameters"})
    if (fields.has(key))
      readRope(fields.object(key), config);
  if (std::vector<int64_t> ids = tokenIds(fields, "bos_token_id"); !ids.empty())
    config.bosToken = ids.front();
  config.eosTokens = tokenIds(fields, "eos_token_id");

  completeConfig(config, fields.optionalInteger("head_dim"), where);
  return config;
}

std::vector<int64_t> generationEnds(const std::filesystem::path &model, const ModelConfig &config) {
  std::filesystem::path path = model / "generation_config.json";
  if (!std::filesystem::is_directory(model) || !std::filesystem::exists(path))
    return config.eosTokens;
  nlohmann::json root = readJsonFile(path);
  std::vector<int64_t> ends = tokenIds(JsonFields(root, path.string()), "eos_token_id");
  return ends.empty() ? config.eosTokens : ends;
}

} // namespace mlora
