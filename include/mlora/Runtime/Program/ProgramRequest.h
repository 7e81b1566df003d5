// What the compiler is asked for: request.json of docs/architecture.md.
#pragma once

#include "mlora/Runtime/Program/Scalars.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mlora {

struct ProgramRequest {
  std::string kind = "train";  ///< or "generate"
  std::filesystem::path model; ///< a HF folder, its config.json, or a .gguf file
  std::string target = "cpu";
  std::string method = "multilora"; ///< lora, ft, none
  int64_t numBranches = 1, loraR = 0;
  double loraAlpha = 0;
  std::vector<std::string> targets; ///< projections, e.g. q_proj
  Scalars capacity;
  int64_t memoryBudget = 0;

  nlohmann::json toJson() const;
  /// config.json of a folder, otherwise the path itself.
  std::filesystem::path modelFile() const;
};

} // namespace mlora
