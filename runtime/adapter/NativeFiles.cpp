// mlora_adapter.safetensors and mlora_config.json.
#include "AdapterReaders.h"
#include "AdapterSizes.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <cmath>

namespace fs = std::filesystem;

namespace mlora {

static constexpr int64_t formatVersion = 1;

static void writeNativeConfig(const fs::path &folder, const Adapter &adapter) {
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

void writeNativeAdapter(const fs::path &folder, const Adapter &adapter) {
  std::vector<SafetensorsValue> values;
  for (const auto &[name, tensor] : adapter.tensors)
    values.push_back({{name, "F32", tensor.shape}, tensor.values.data()});
  writeSafetensors(folder / nativeTensors, std::move(values));
  writeNativeConfig(folder, adapter);
}

void writeSyntheticAdapter(const fs::path &folder, const ModelConfig &config, const AdapterShape &shape,
                           double deviation, uint64_t seed) {
  Adapter adapter = sizedAdapter(config, shape);
  std::vector<SafetensorsSpec> specs;
  for (const AdapterTensorSpec &spec : adapterTensors(adapter, config))
    specs.push_back({spec.name, "F32", spec.shape});
  SafetensorsWriter writer(folder / nativeTensors, std::move(specs));
  std::vector<float> values;
  for (const SafetensorsSpec &spec : writer.order()) {
    // Δ is a sum of n·r products c s b a.
    double in = double(spec.shape.back()), factor = adapter.scaling();
    double width = double(shape.rank * shape.numBranches);
    double size = spec.name.ends_with('A') ? 1 / std::sqrt(in)
                  : spec.name.ends_with('s')
                      ? 1
                      : deviation * std::sqrt(double(config.hiddenSize) / width) / factor;
    uint64_t state = hash64(spec.name, seed);
    values.resize(static_cast<size_t>(spec.shape[0] * (spec.shape.size() == 2 ? spec.shape[1] : 1)));
    for (float &value : values) { // uniform
      state = state * 6364136223846793005u + 1442695040888963407u;
      value = static_cast<float>((double(state >> 11) * 0x1p-52 - 1) * 1.7320508 * size);
    }
    writer.write(values.data(), 4 * values.size());
  }
  writer.commit();
  writeNativeConfig(folder, adapter);
}

Adapter readNativeConfig(const fs::path &folder) {
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
  return adapter;
}

Adapter readNativeAdapter(const fs::path &folder) {
  Adapter adapter = readNativeConfig(folder);
  SafetensorsFile file(folder / nativeTensors);
  for (const SafetensorsEntry &entry : file.tensors()) {
    if (entry.dtype != "F32")
      badInput(file.path().string() + ": tensor '" + entry.name + "' has dtype " + entry.dtype +
               "; F32 is expected");
    adapter.tensors[entry.name] = {entry.shape, file.floats(entry.name)};
  }
  return adapter;
}

static bool hasAdapter(const fs::path &folder) {
  return fs::exists(folder / nativeConfig) || fs::exists(folder / peftConfig);
}

bool isWholeModel(const fs::path &folder) {
  return fs::exists(folder / "config.json") && !hasAdapter(folder);
}

void checkAdapterFolder(const fs::path &folder) {
  if (!fs::exists(folder))
    badInput(folder.string() + ": does not exist: give the folder of an adapter");
  if (!fs::is_directory(folder))
    badInput(folder.string() + ": is a file: give its folder");
  if (isWholeModel(folder))
    badInput(folder.string() + ": holds a whole model, as method=ft trains it, and no adapter: give it as "
                               "model_name_or_path (merge alone takes it as adapter, and no second one)");
  if (!hasAdapter(folder))
    badInput(folder.string() + ": holds no adapter: neither " + nativeConfig + " nor " + peftConfig);
}

Adapter readAdapter(const fs::path &folder, const ModelConfig &config) {
  checkAdapterFolder(folder);
  bool native = fs::exists(folder / nativeConfig);
  Adapter adapter = native ? readNativeAdapter(folder) : readPeftAdapter(folder, config);
  checkAdapter(adapter, config, (folder / (native ? nativeTensors : peftTensors)).string());
  return adapter;
}

void writeAdapter(const fs::path &folder, const Adapter &adapter, const ModelConfig &config) {
  writeNativeAdapter(folder, adapter);
  writePeftAdapter(folder, adapter, config);
}

} // namespace mlora
