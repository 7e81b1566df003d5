// Small synthetic checkpoints, and what tests of merging read of the results.
#pragma once

#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/Checkpoint.h"

#include <gtest/gtest.h>
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

/// Options of a merge into `folder`/`name` (a GGUF file where it is called so) in small blocks.
inline MergeOptions mergeInto(const std::filesystem::path &folder, const std::string &name, const std::string &dtype) {
  MergeOptions options;
  options.output = folder / name;
  options.dtype = dtype;
  options.blockValues = 2000;
  options.format = name.ends_with(".gguf") ? MergeFormat::Gguf : MergeFormat::HuggingFace;
  return options;
}

/// Both have the same tensors in the same order in three files of the same names.
inline void expectSameLayout(const Checkpoint &merged, const Checkpoint &base) {
  auto theirs = base.storedFiles(), ours = merged.storedFiles();
  ASSERT_EQ(ours.size(), 3u);
  for (size_t f = 0; f < 3; ++f) {
    EXPECT_EQ(ours[f].path.filename(), theirs[f].path.filename());
    ASSERT_EQ(ours[f].tensors.size(), theirs[f].tensors.size());
    for (size_t i = 0; i < ours[f].tensors.size(); ++i)
      EXPECT_EQ(ours[f].tensors[i].name, theirs[f].tensors[i].name);
  }
}

inline size_t entries(const std::filesystem::path &folder) {
  return size_t(std::distance(std::filesystem::directory_iterator(folder), {}));
}

} // namespace mlora::test
