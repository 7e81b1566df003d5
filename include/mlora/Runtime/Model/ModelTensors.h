// Names and shapes of the tensors that a configuration implies, as Hugging Face names them.
#pragma once

#include "mlora/Runtime/Model/ModelConfig.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlora {

/// The seven projections that adapters may sit on, in the order of a layer.
inline constexpr std::array<std::string_view, 7> projections = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                                "gate_proj", "up_proj", "down_proj"};

bool isProjection(std::string_view name);

/// "model.layers.3.self_attn.q_proj"; its weight has ".weight" behind it.
std::string projectionPath(int64_t layer, std::string_view projection);

/// W is [out, in].
struct ProjectionShape {
  int64_t out, in;
};
ProjectionShape projectionShape(const ModelConfig &config, std::string_view projection);

struct ModelTensor {
  std::string name;
  std::vector<int64_t> shape; ///< outermost first
};

/// In HF's usual order: embed_tokens, layers, norm, lm_head (absent when tied).
std::vector<ModelTensor> modelTensors(const ModelConfig &config);

/// Layer and kind of a tensor of modelTensors(): "model.layers.3.mlp.up_proj.weight" is (3, "up_proj"),
/// "lm_head.weight" (-1, "lm_head").
std::pair<int64_t, std::string> tensorPlace(const std::string &name);

/// GGUF's name of a tensor of modelTensors(): "model.layers.3.mlp.up_proj.weight" is "blk.3.ffn_up.weight".
std::string ggufName(const std::string &name);

/// "[49152, 576]"
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace mlora
