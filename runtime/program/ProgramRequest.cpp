#include "mlora/Runtime/Program/ProgramRequest.h"

namespace mlora {

std::filesystem::path ProgramRequest::modelFile() const {
  return std::filesystem::is_directory(model) ? model / "config.json" : model;
}

nlohmann::json ProgramRequest::toJson() const {
  return {{"kind", kind},
          {"model", std::filesystem::absolute(modelFile()).string()},
          {"target", target},
          {"method", method},
          {"num_branches", numBranches},
          {"lora_r", loraR},
          {"lora_alpha", loraAlpha},
          {"targets", targets},
          {"capacity",
           {{"rows", capacity.rows}, {"counted_rows", capacity.countedRows}, {"kv_rows", capacity.kvRows}}},
          {"memory_budget", memoryBudget}};
}

} // namespace mlora
