// Adapter files: ours (branches and scalings as they are trained) and PEFT's (one LoRA, one-way).
#pragma once

#include "mlora/Runtime/Adapter/AdapterSource.h"

#include <filesystem>

namespace mlora {

/// Writes all four files: mlora_adapter.safetensors, mlora_config.json, adapter_model.safetensors,
/// adapter_config.json. Each is written aside and renamed; the folder must exist.
void writeAdapter(const std::filesystem::path &folder, const Adapter &adapter, const ModelConfig &config);

/// The native pair only.
void writeNativeAdapter(const std::filesystem::path &folder, const Adapter &adapter);

/// A native pair of random values for benchmarks: A and s of deviation 1/sqrt(in) and 1, B such that the
/// update's elements have about this deviation. One tensor is in memory at a time.
void writeSyntheticAdapter(const std::filesystem::path &folder, const ModelConfig &config,
                           const AdapterShape &shape, double deviation, uint64_t seed);

/// The PEFT pair only: one LoRA of rank n·r with lora_alpha = n·r, so that its scaling is exactly 1. A's of
/// the branches are stacked, c · s_i folded into the rows of B_i.
void writePeftAdapter(const std::filesystem::path &folder, const Adapter &adapter, const ModelConfig &config);
/// The same for any adapter, read one projection at a time: rank and lora_alpha are the largest of any
/// projection, shorter ones are padded with zeros. `base` stands in where the adapter names none.
void writePeftAdapter(const std::filesystem::path &folder, const AdapterSource &adapter,
                      const ModelConfig &config, const std::map<std::string, std::string> &metadata,
                      const std::string &base = "");

/// A GGUF adapter as llama.cpp loads it: names of the base's GGUF tensors, rows of B of q and k in GGUF's
/// rotary order, `adapter.lora.alpha` = rank, so that its scale is 1. Written aside and renamed.
void writeGgufAdapter(const std::filesystem::path &path, const AdapterSource &adapter,
                      const ModelConfig &config);

/// Throws Error(BadInput) unless an export may be written there: absent, empty, or an earlier export.
void checkExportFolder(const std::filesystem::path &folder);
void checkExportFile(const std::filesystem::path &path);
/// What marks an exported adapter_model.safetensors as ours to replace.
std::map<std::string, std::string> exportedMetadata();

/// Whether a folder holds a whole model (config.json) and no adapter, as method=ft saves it.
bool isWholeModel(const std::filesystem::path &folder);

/// Reads an adapter for a model: the native pair where the folder has it, otherwise PEFT's LoRA as one
/// branch. Modules of lower rank, and layers that PEFT's file leaves out, are padded with zeros, which stay
/// zero.
Adapter readAdapter(const std::filesystem::path &folder, const ModelConfig &config);

/// A LoRA as a MultiLoRA with one branch and s = 1: the same update, with scalings that can be trained.
Adapter asMultiLora(Adapter lora);

/// Any adapter as one LoRA of scaling 1 that does the same; lower ranks are padded with zeros.
Adapter asLora(const AdapterSource &source, const ModelConfig &config);

/// Smallest --max-lora-rank of vLLM that loads a LoRA of this rank, 0 when none does.
int64_t vllmMaxLoraRank(int64_t rank);

} // namespace mlora
