// What the compiler is asked for: request.json of docs/architecture.md. A program serves every number of
// rows; only what fits a memory budget depends on it.
#pragma once

#include "mlora/Runtime/Model/Checkpoint.h"
#include "mlora/Runtime/Program/Scalars.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mlora {

struct ProgramRequest {
  std::string kind = "train";  ///< or "generate"
  std::filesystem::path model; ///< a HF folder, its config.json, or a .gguf file
  std::string target = "cpu";
  std::string chip;                 ///< that a GPU's kernels are made for; none for emulate: sm_80
  std::string dtype = "f32";        ///< or bf16: what weights and activations are stored as
  std::string method = "multilora"; ///< lora, ft, none
  int64_t numBranches = 1, loraR = 0;
  double loraAlpha = 0;
  std::vector<std::string> targets; ///< projections, e.g. q_proj
  int64_t chunkRows = 0; ///< rows whose logits are in memory at once (for a GPU), 0: as the compiler has it
  /// Weights that stay in the blocks of a GGUF file (kind generate, target cpu): the tensor's name below the layer without
  /// `.weight`, and the blocks' format ("Q4_1"), or the formats where layers differ ("Q4_K|Q6_K").
  std::map<std::string, std::string> quantized;
  int64_t memoryBudget = 0; ///< bytes of the arena, 0: no limit
  Scalars capacity;         ///< at which the budget holds; no part of the request without one
  /// The key's word: what is not in the arena that the budget bounds; no part of the request without one.
  std::string offload = "none";

  /// `device` and `chip` as the configuration names them; for cuda, `auto` is the chip of this machine's GPU.
  /// Throws Error(BadInput) when there is no GPU, or one that does not run code for the chip.
  void setDevice(const std::string &device, const std::string &chip = "auto");
  /// Keeps the checkpoint's matrices as they are stored where programs can read that, and gives the types of the others
  /// that are not f32 ("IQ4_NL", "Q4_K or IQ4_NL" where layers differ), by the names of `quantized`: these become f32. On an
  /// x86 CPU without AVX2 nothing stays.
  std::map<std::string, std::string> keepQuantized(const Checkpoint &checkpoint);
  nlohmann::json toJson() const;
  /// What toJson() gave. Throws Error(BadInput), naming `where`, for what it never gives.
  static ProgramRequest fromJson(const nlohmann::json &json, const std::string &where);
  /// config.json of a folder, otherwise the path itself.
  std::filesystem::path modelFile() const;
};

} // namespace mlora
