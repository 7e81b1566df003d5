// mlora_adapter.safetensors and mlora_config.json.
#include "AdapterReaders.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <cmath>

namespace fs = std::filesystem;

namespace mlora {

static constexpr int64_t formatVersion = 1;

void writeNativeAdapter(const fs::path &folder, const Adapter &adapter) {
  std::vector<SafetensorsValue> values;
  for (const auto &[name, tensor] : adapter.tensors)
    values.push_back({{name, "F32", tensor.shape}, tensor.values.data()});
  writeSafetensors(folder / nativeTensors, std::move(values));

  nlohmann::ordered_json config;
  config["format"] = formatVersion;
  config["method"] = adapter.method;
  config["num_branches"] = adapter.numBranches;
  config["lora_r"] = adapter.rank;
  config["lora_alpha"] = adapter.alpha;
  config["scaling"] = adapter.scaling();
  config["lora_target_modules"] = adapter.targets;
  config["num_layers"] = adapter.numLayers;
  config["base_model_name_or_path"] = adapter.baseModel;
  config["base_fingerprint"] = adapter.baseFingerprint;
  config["mlora_version"] = MLORA_VERSION;
  writeFileAtomically(folder / nativeConfig, config.dump(2) + "\n");
}

Adapter readNativeAdapter(const fs::path &folder) {
  fs::path configPath = folder / nativeConfig;
  nlohmann::json root = readJsonFile(configPath);
  JsonFields fields(root, configPath.string());
  if (int64_t format = fields.integer("format"); format != formatVersion)
    fields.refuse("format", std::to_string(format) + " is unknown; " + std::to_string(formatVersion) +
                                " is read by this version");
  Adapter adapter;
  adapter.method = fields.string("method");
  adapter.numBranches = fields.integer("num_branches");
  adapter.rank = fields.integer("lora_r");
  adapter.alpha = fields.number("lora_alpha");
  adapter.targets = orderedTargets(fields.strings("lora_target_modules"));
  adapter.numLayers = fields.integer("num_layers");
  adapter.baseModel = fields.optionalString("base_model_name_or_path").value_or("");
  adapter.baseFingerprint = fields.optionalString("base_fingerprint").value_or("");
  if (adapter.method != "multilora" && adapter.method != "lora")
    fields.refuse("method", "'" + adapter.method + "' is unknown; multilora or lora is expected");
  if (adapter.numBranches < 1 || (adapter.method == "lora" && adapter.numBranches != 1))
    fields.refuse("num_branches",
                  std::to_string(adapter.numBranches) + " is impossible for " + adapter.method);
  if (adapter.rank < 1)
    fields.refuse("lora_r", "a positive rank is expected");
  if (!std::isfinite(adapter.alpha))
    fields.refuse("lora_alpha", "a finite number is expected");

  SafetensorsFile file(folder / nativeTensors);
  for (const SafetensorsEntry &entry : file.tensors()) {
    if (entry.dtype != "F32")
      badInput(file.path().string() + ": tensor '" + entry.name + "' has dtype " + entry.dtype +
               "; F32 is expected");
    adapter.tensors[entry.name] = {entry.shape, file.floats(entry.name)};
  }
  return adapter;
}

Adapter readAdapter(const fs::path &folder, const ModelConfig &config) {
  bool native = fs::exists(folder / nativeConfig);
  if (!native && !fs::exists(folder / peftConfig))
    badInput(folder.string() + ": holds no adapter: neither " + nativeConfig + " nor " + peftConfig);
  Adapter adapter = native ? readNativeAdapter(folder) : readPeftAdapter(folder, config);
  checkAdapter(adapter, config, (folder / (native ? nativeTensors : peftTensors)).string());
  return adapter;
}

void writeAdapter(const fs::path &folder, const Adapter &adapter, const ModelConfig &config) {
  writeNativeAdapter(folder, adapter);
  writePeftAdapter(folder, adapter, config);
}

} // namespace mlora
