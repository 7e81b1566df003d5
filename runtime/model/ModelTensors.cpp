#include "mlora/Runtime/Model/ModelTensors.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <map>

namespace mlora {

bool isProjection(std::string_view name) {
  return std::find(projections.begin(), projections.end(), name) != projections.end();
}

std::string projectionPath(int64_t layer, std::string_view projection) {
  bool attention = projection.size() == 6; // q_proj, k_proj, v_proj, o_proj
  return "model.layers." + std::to_string(layer) + (attention ? ".self_attn." : ".mlp.") +
         std::string(projection);
}

ProjectionShape projectionShape(const ModelConfig &config, std::string_view projection) {
  int64_t query = config.numHeads * config.headDim, key = config.numKeyValueHeads * config.headDim;
  if (projection == "q_proj")
    return {query, config.hiddenSize};
  if (projection == "k_proj" || projection == "v_proj")
    return {key, config.hiddenSize};
  if (projection == "o_proj")
    return {config.hiddenSize, query};
  if (projection == "gate_proj" || projection == "up_proj")
    return {config.intermediateSize, config.hiddenSize};
  if (projection == "down_proj")
    return {config.hiddenSize, config.intermediateSize};
  badInput("'" + std::string(projection) +
           "' is none of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj");
}

std::vector<ModelTensor> modelTensors(const ModelConfig &config) {
  std::vector<ModelTensor> tensors = {{"model.embed_tokens.weight", {config.vocabSize, config.hiddenSize}}};
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    std::string prefix = "model.layers." + std::to_string(layer) + ".";
    tensors.push_back({prefix + "input_layernorm.weight", {config.hiddenSize}});
    for (std::string_view projection : projections) {
      if (projection == "gate_proj")
        tensors.push_back({prefix + "post_attention_layernorm.weight", {config.hiddenSize}});
      auto [out, in] = projectionShape(config, projection);
      tensors.push_back({projectionPath(layer, projection) + ".weight", {out, in}});
    }
  }
  tensors.push_back({"model.norm.weight", {config.hiddenSize}});
  if (!config.tiedHead)
    tensors.push_back({"lm_head.weight", {config.vocabSize, config.hiddenSize}});
  return tensors;
}

std::pair<int64_t, std::string> tensorPlace(const std::string &name) {
  constexpr std::string_view layers = "model.layers.", weight = ".weight";
  std::string path = name.substr(0, name.size() - weight.size());
  int64_t layer = path.starts_with(layers) ? std::stoll(path.substr(layers.size())) : -1;
  return {layer, path.substr(path.rfind('.') + 1)};
}

static std::string layerTensor(const std::string &name) {
  static const std::map<std::string, std::string> names = {
      {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"},
  };
  return names.at(name);
}

std::string ggufName(const std::string &name) {
  if (name == "model.embed_tokens.weight")
    return "token_embd.weight";
  if (name == "model.norm.weight")
    return "output_norm.weight";
  if (name == "lm_head.weight")
    return "output.weight";
  constexpr size_t prefix = sizeof("model.layers.") - 1, suffix = sizeof(".weight") - 1;
  size_t dot = name.find('.', prefix);
  return "blk." + name.substr(prefix, dot - prefix) + "." +
         layerTensor(name.substr(dot + 1, name.size() - suffix - dot - 1)) + ".weight";
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

} // namespace mlora
