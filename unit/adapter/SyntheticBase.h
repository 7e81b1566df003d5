// Small synthetic checkpoints, and what tests of merging read of the results.
#pragma once

#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/Checkpoint.h"

#include <map>

namespace mlora::test {

inline const std::string configuration = R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"],
  "vocab_size": 96, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3, "num_attention_heads": 4,
  "num_key_value_heads": 2, "head_dim": 16, "rope_theta": 500000, "tie_word_embeddings": false,
  "max_position_embeddings": 128, "a_key_of_theirs": 7, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
  "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}})";

inline std::vector<float> valuesOf(const Checkpoint &checkpoint, const TensorInfo &info) {
  std::vector<float> values(size_t(info.shape[0] * (info.shape.size() == 2 ? info.shape[1] : 1)));
  checkpoint.read(info.name, values);
  return values;
}

/// Hashes of a folder's files.
inline std::map<std::string, std::string> contents(const std::filesystem::path &folder) {
  std::map<std::string, std::string> all;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    all[entry.path().filename().string()] = hashFileHex(entry.path());
  return all;
}

inline size_t entries(const std::filesystem::path &folder) {
  return size_t(std::distance(std::filesystem::directory_iterator(folder), {}));
}

} // namespace mlora::test
