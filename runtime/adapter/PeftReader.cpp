// A plain PEFT LoRA is a branch with s = 1: method lora. What has no such form (DoRA, biases, saved modules)
// is refused.
#include "AdapterReaders.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace fs = std::filesystem;
using nlohmann::json;

namespace mlora {
namespace {

void refuseVariants(const JsonFields &fields) {
  if (std::string type = fields.string("peft_type"); type != "LORA")
    fields.refuse("peft_type", "'" + type + "' is not read; LORA is expected");
  for (const char *key : {"use_dora", "fan_in_fan_out", "use_qalora", "lora_bias"})
    if (fields.optionalBoolean(key).value_or(false))
      fields.refuse(key, "true: such adapters are not read; a plain LoRA is expected");
  if (std::string bias = fields.optionalString("bias").value_or("none"); bias != "none")
    fields.refuse("bias", "'" + bias + "': adapters with biases are not read");
  if (fields.has("modules_to_save") && !fields.raw()["modules_to_save"].empty())
    fields.refuse("modules_to_save", "adapters with whole modules are not read");
}

// PEFT matches a key of a pattern at the end of a module's name; our readers know plain names and paths only.
double patterned(const JsonFields &fields, const char *key, const std::string &module, double otherwise) {
  if (!fields.has(key))
    return otherwise;
  JsonFields pattern = fields.object(key);
  for (const auto &[name, value] : pattern.raw().items()) {
    if (name.find_first_of("*+?[](){}|^$\\") != std::string::npos)
      pattern.refuse(name.c_str(), "a regular expression is not read here; write the modules' names out");
    if (module == name || module.ends_with("." + name))
      return pattern.number(name.c_str());
  }
  return otherwise;
}

/// One adapted module as the files have it.
struct Module {
  int64_t layer;
  std::string target;
  int64_t rank;
  double scaling;
  const SafetensorsEntry *a, *b;
};

class Reader {
public:
  Reader(const fs::path &folder, const ModelConfig &config)
      : config(config), root(readJsonFile(folder / peftConfig)), fields(root, (folder / peftConfig).string()),
        file(folder / peftTensors) {}

  Adapter read() {
    refuseVariants(fields);
    findModules();
    Adapter adapter;
    adapter.method = "lora";
    adapter.numLayers = config.numLayers;
    adapter.baseModel = fields.optionalString("base_model_name_or_path").value_or("");
    std::vector<std::string> targets;
    for (const Module &module : modules) {
      targets.push_back(module.target);
      adapter.rank = std::max(adapter.rank, module.rank);
    }
    adapter.targets = orderedTargets(targets);
    double common = modules.front().scaling != 0 ? modules.front().scaling : 1;
    adapter.alpha = common * static_cast<double>(adapter.rank);
    fillZeros(adapter);
    for (const Module &module : modules)
      place(adapter, module, common);
    return adapter;
  }

private:
  void findModules() {
    std::set<std::string> used;
    for (int64_t layer = 0; layer < config.numLayers; ++layer)
      for (std::string_view target : projections)
        if (auto module = findModule(layer, std::string(target))) {
          modules.push_back(*module);
          used.insert({module->a->name, module->b->name});
        }
    for (const SafetensorsEntry &entry : file.tensors())
      if (!used.count(entry.name))
        badInput(file.path().string() + ": tensor '" + entry.name +
                 "' is unexpected: no pair of lora_A and lora_B on a projection of this model");
    if (modules.empty())
      badInput(file.path().string() + ": holds no lora_A and lora_B of this model's projections");
  }

  std::optional<Module> findModule(int64_t layer, const std::string &target) const {
    std::string path = projectionPath(layer, target), prefix = "base_model.model." + path;
    const SafetensorsEntry *a = file.find(prefix + ".lora_A.weight"),
                           *b = file.find(prefix + ".lora_B.weight");
    if (!a || !b)
      return std::nullopt; // half a pair is found unexpected later
    auto [out, in] = projectionShape(config, target);
    double expected = patterned(fields, "rank_pattern", path, static_cast<double>(fields.integer("r")));
    int64_t rank = a->shape.empty() ? 0 : a->shape[0];
    if (rank < 1 || static_cast<double>(rank) != expected || a->shape != std::vector<int64_t>{rank, in} ||
        b->shape != std::vector<int64_t>{out, rank})
      badInput(file.path().string() + ": '" + prefix + "': lora_A is " + shapeText(a->shape) + ", lora_B " +
               shapeText(b->shape) + "; [r, " + std::to_string(in) + "] and [" + std::to_string(out) +
               ", r] are expected, with r = " + std::to_string(static_cast<int64_t>(expected)));
    double alpha = patterned(fields, "alpha_pattern", path, fields.number("lora_alpha"));
    bool rootScaled = fields.optionalBoolean("use_rslora").value_or(false);
    double scaling = alpha / (rootScaled ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
    return Module{layer, target, rank, scaling, a, b};
  }

  void fillZeros(Adapter &adapter) const {
    for (const AdapterTensorSpec &spec : adapterTensors(adapter, config))
      adapter.tensors[spec.name] = {spec.shape,
                                    std::vector<float>(static_cast<size_t>(spec.shape[0] * spec.shape[1]))};
  }

  // A's rows are the first of the padded ones, B's columns too; a scaling that differs goes into B.
  void place(Adapter &adapter, const Module &module, double common) const {
    std::vector<float> a = file.floats(module.a->name), b = file.floats(module.b->name);
    auto tensor = [&](char part) -> std::vector<float> & {
      return adapter.tensors.at(adapterTensorName(module.layer, module.target, 0, part)).values;
    };
    std::copy(a.begin(), a.end(), tensor('A').begin());
    std::vector<float> &padded = tensor('B');
    double factor = module.scaling == common ? 1 : module.scaling / common;
    for (int64_t row = 0; row < module.b->shape[0]; ++row)
      for (int64_t j = 0; j < module.rank; ++j)
        padded[row * adapter.rank + j] = static_cast<float>(factor * b[row * module.rank + j]);
  }

  const ModelConfig &config;
  json root;
  JsonFields fields;
  SafetensorsFile file;
  std::vector<Module> modules;
};

} // namespace

Adapter readPeftAdapter(const fs::path &folder, const ModelConfig &config) {
  return Reader(folder, config).read();
}

} // namespace mlora
