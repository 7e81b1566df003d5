// adapter_model.safetensors and adapter_config.json as PEFT, vLLM and llama.cpp read them (FORMATS section
// 1).
#include "AdapterReaders.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace fs = std::filesystem;

namespace mlora {
namespace {

nlohmann::json peftConfiguration(const AdapterSource &adapter, int64_t rank, const std::string &base) {
  nlohmann::json config; // sorted keys, as PEFT writes them
  config["alpha_pattern"] = nlohmann::json::object();
  config["auto_mapping"] = nullptr;
  config["base_model_name_or_path"] = adapter.baseModel().empty() ? base : adapter.baseModel();
  config["bias"] = "none";
  config["fan_in_fan_out"] = false;
  config["inference_mode"] = true;
  config["init_lora_weights"] = true;
  config["layers_pattern"] = nullptr;
  config["layers_to_transform"] = nullptr;
  config["lora_alpha"] = rank;
  config["lora_dropout"] = 0.0;
  config["modules_to_save"] = nullptr;
  config["peft_type"] = "LORA";
  config["peft_version"] = "0.21.2";
  config["r"] = rank;
  config["rank_pattern"] = nlohmann::json::object();
  config["revision"] = nullptr;
  config["target_modules"] = adapter.targets();
  config["task_type"] = "CAUSAL_LM";
  config["use_dora"] = false;
  config["use_rslora"] = false;
  return config;
}

} // namespace

void writePeftAdapter(const fs::path &folder, const Adapter &adapter, const ModelConfig &config) {
  writePeftAdapter(folder, *AdapterSource::of(adapter, config), config, {{"format", "pt"}});
}

void writePeftAdapter(const fs::path &folder, const AdapterSource &adapter, const ModelConfig &config,
                      const std::map<std::string, std::string> &metadata, const std::string &base) {
  std::vector<SafetensorsSpec> specs;
  std::map<std::string, std::pair<int64_t, std::string>> modules; // by tensor name
  int64_t rank = adapter.largestRank();
  std::vector<std::string> targets = adapter.targets();
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (const std::string &target : targets) {
      auto [out, in] = projectionShape(config, target);
      std::string prefix = "base_model.model." + projectionPath(layer, target);
      specs.push_back({prefix + ".lora_A.weight", "F32", {rank, in}});
      specs.push_back({prefix + ".lora_B.weight", "F32", {out, rank}});
      modules[specs.back().name] = modules[(specs.end() - 2)->name] = {layer, target};
    }
  SafetensorsWriter writer(folder / peftTensors, std::move(specs), metadata);
  for (const SafetensorsSpec &spec : writer.order()) {
    const auto &[layer, target] = modules.at(spec.name);
    LowRank update = paddedFactors(adapter, layer, target, rank, config);
    const std::vector<float> &values = spec.name.ends_with("lora_A.weight") ? update.a : update.b;
    writer.write(values.data(), 4 * values.size());
  }
  writer.commit();
  writeFileAtomically(folder / peftConfig, peftConfiguration(adapter, rank, base).dump(2));
}

LowRank paddedFactors(const AdapterSource &adapter, int64_t layer, const std::string &target, int64_t rank,
                      const ModelConfig &config) {
  auto [out, in] = projectionShape(config, target);
  int64_t own = adapter.rank(layer, target);
  LowRank update;
  if (own)
    update = adapter.factors(layer, target);
  update.a.resize(static_cast<size_t>(rank * in)); // zeros behind
  if (own != rank) {
    std::vector<float> b(static_cast<size_t>(out * rank));
    for (int64_t row = 0; row < out && own; ++row)
      std::copy_n(update.b.data() + row * own, own, b.data() + row * rank);
    update.b = std::move(b);
  }
  update.rank = rank;
  return update;
}

int64_t vllmMaxLoraRank(int64_t rank) {
  static constexpr int64_t allowed[] = {1, 8, 16, 32, 64, 128, 256, 320, 512};
  auto found = std::lower_bound(std::begin(allowed), std::end(allowed), rank);
  return found == std::end(allowed) ? 0 : *found;
}

} // namespace mlora
