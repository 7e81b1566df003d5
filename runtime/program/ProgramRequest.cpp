#include "mlora/Runtime/Program/ProgramRequest.h"

#include "mlora/Runtime/Program/CudaChip.h"

namespace mlora {

std::filesystem::path ProgramRequest::modelFile() const {
  return std::filesystem::is_directory(model) ? model / "config.json" : model;
}

void ProgramRequest::setDevice(const std::string &device) {
  target = device;
  chip = device == "cuda" ? installedChip() : "";
}

nlohmann::json ProgramRequest::toJson() const {
  nlohmann::json json = {{"kind", kind},      {"model", std::filesystem::absolute(modelFile()).string()},
                         {"target", target},  {"dtype", dtype},
                         {"method", method},  {"num_branches", numBranches},
                         {"lora_r", loraR},   {"lora_alpha", loraAlpha},
                         {"targets", targets}};
  if (!chip.empty())
    json["chip"] = chip;
  if (memoryBudget > 0) {
    json["memory_budget"] = memoryBudget;
    json["capacity"] = {
        {"rows", capacity.rows}, {"counted_rows", capacity.countedRows}, {"kv_rows", capacity.kvRows}};
  }
  return json;
}

} // namespace mlora
