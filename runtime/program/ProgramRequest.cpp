#include "mlora/Runtime/Program/ProgramRequest.h"

#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Program/CudaChip.h"

namespace mlora {

std::filesystem::path ProgramRequest::modelFile() const {
  return std::filesystem::is_directory(model) ? model / "config.json" : model;
}

void ProgramRequest::setDevice(const std::string &device, const std::string &wanted) {
  target = device;
  chip = device == "cuda" ? installedChip(wanted) : wanted == "auto" ? "" : wanted;
}

nlohmann::json ProgramRequest::toJson() const {
  nlohmann::json json = {{"kind", kind},      {"model", std::filesystem::absolute(modelFile()).string()},
                         {"target", target},  {"dtype", dtype},
                         {"method", method},  {"num_branches", numBranches},
                         {"lora_r", loraR},   {"lora_alpha", loraAlpha},
                         {"targets", targets}};
  if (!chip.empty())
    json["chip"] = chip;
  if (chunkRows > 0)
    json["chunk_rows"] = chunkRows;
  if (memoryBudget > 0) {
    json["memory_budget"] = memoryBudget;
    json["capacity"] = {
        {"rows", capacity.rows}, {"counted_rows", capacity.countedRows}, {"kv_rows", capacity.kvRows}};
  }
  return json;
}

ProgramRequest ProgramRequest::fromJson(const nlohmann::json &json, const std::string &where) {
  JsonFields fields(json, where);
  ProgramRequest request;
  request.kind = fields.string("kind");
  request.model = fields.string("model");
  request.target = fields.string("target");
  request.chip = fields.optionalString("chip").value_or("");
  request.dtype = fields.optionalString("dtype").value_or("f32");
  request.method = fields.string("method");
  request.numBranches = fields.optionalInteger("num_branches").value_or(1);
  request.loraR = fields.optionalInteger("lora_r").value_or(0);
  request.loraAlpha = fields.optionalNumber("lora_alpha").value_or(0);
  if (fields.has("targets"))
    request.targets = fields.strings("targets");
  request.chunkRows = fields.optionalInteger("chunk_rows").value_or(0);
  request.memoryBudget = fields.optionalInteger("memory_budget").value_or(0);
  if (fields.has("capacity")) {
    JsonFields capacity = fields.object("capacity");
    request.capacity = {.rows = capacity.integer("rows"),
                        .countedRows = capacity.integer("counted_rows"),
                        .kvRows = capacity.integer("kv_rows")};
  }
  return request;
}

} // namespace mlora
