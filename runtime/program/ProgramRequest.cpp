#include "mlora/Runtime/Program/ProgramRequest.h"

#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/BlockFormats.h"
#include "mlora/Runtime/Program/CudaChip.h"

#include <set>

namespace mlora {

std::filesystem::path ProgramRequest::modelFile() const {
  return std::filesystem::is_directory(model) ? model / "config.json" : model;
}

void ProgramRequest::setDevice(const std::string &device, const std::string &wanted) {
  target = device;
  chip = device == "cuda" ? installedChip(wanted) : wanted == "auto" ? "" : wanted;
}

/// "model.layers.3.mlp.up_proj.weight" is mlp.up_proj of every layer.
static std::string belowLayer(std::string name) {
  constexpr std::string_view layers = "model.layers.", suffix = ".weight";
  if (name.ends_with(suffix))
    name.resize(name.size() - suffix.size());
  return name.starts_with(layers) ? name.substr(name.find('.', layers.size()) + 1) : name;
}

std::map<std::string, std::string> ProgramRequest::keepQuantized(const Checkpoint &checkpoint) {
  std::map<std::string, std::set<std::string>> stored;
  std::map<std::string, int64_t> columns;
  for (const TensorInfo &tensor : checkpoint.tensors())
    if (tensor.shape.size() == 2) {
      stored[belowLayer(tensor.name)].insert(tensor.dtype);
      columns[belowLayer(tensor.name)] = tensor.shape[1];
    }
  // Kernels turn halves into f32 by F16C, which every processor with AVX2 has.
  bool canRead = true;
#if defined(__x86_64__)
  canRead = __builtin_cpu_supports("avx2");
#endif
  std::map<std::string, std::string> others;
  quantized.clear();
  for (const auto &[name, types] : stored) {
    std::string all;
    for (const std::string &type : types)
      all += (all.empty() ? "" : "|") + type;
    std::optional<BlockLayout> layout = BlockLayout::find(all);
    if (canRead && layout && layout->fits(columns[name]))
      quantized[name] = all;
    else if (all != "F32")
      others[name] = blockFormatText(all);
  }
  return others;
}

nlohmann::json ProgramRequest::toJson() const {
  nlohmann::json json = {{"kind", kind},      {"model", std::filesystem::absolute(modelFile()).string()},
                         {"target", target},  {"dtype", dtype},
                         {"method", method},  {"num_branches", numBranches},
                         {"lora_r", loraR},   {"lora_alpha", loraAlpha},
                         {"targets", targets}};
  if (!chip.empty())
    json["chip"] = chip;
  if (!quantized.empty())
    json["quantized"] = quantized;
  if (chunkRows > 0)
    json["chunk_rows"] = chunkRows;
  if (memoryBudget > 0) {
    json["memory_budget"] = memoryBudget;
    json["capacity"] = {
        {"rows", capacity.rows}, {"counted_rows", capacity.countedRows}, {"kv_rows", capacity.kvRows}};
    if (offload != "none")
      json["offload"] = offload;
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
  if (fields.has("quantized"))
    for (const auto &[tensor, format] : fields.object("quantized").raw().items()) {
      if (!format.is_string())
        fields.refuse("quantized", "must give a format's name for each tensor");
      request.quantized[tensor] = format.get<std::string>();
    }
  request.chunkRows = fields.optionalInteger("chunk_rows").value_or(0);
  request.memoryBudget = fields.optionalInteger("memory_budget").value_or(0);
  request.offload = fields.optionalString("offload").value_or("none");
  if (fields.has("capacity")) {
    JsonFields capacity = fields.object("capacity");
    request.capacity = {.rows = capacity.integer("rows"),
                        .countedRows = capacity.integer("counted_rows"),
                        .kvRows = capacity.integer("kv_rows")};
  }
  return request;
}

} // namespace mlora
