// A plain PEFT LoRA is a branch with s = 1: method lora. What has no such form (DoRA, biases, saved modules)
// is refused.
#include "AdapterReaders.h"
#include "PeftModules.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace fs = std::filesystem;

namespace mlora {
namespace {

void refuseVariants(const RowFields &fields) {
  if (std::string type = fields.string("peft_type"); type != "LORA")
    fields.refuse("peft_type", "'" + type + "' is not read; LORA is expected");
  for (const char *key : {"use_dora", "fan_in_fan_out", "use_qalora", "lora_bias"})
    if (fields.optionalBoolean(key).value_or(false))
      fields.refuse(key, "true: such adapters are not read; a plain LoRA is expected");
  if (std::string bias = fields.optionalString("bias").value_or("none"); bias != "none")
    fields.refuse("bias", "'" + bias + "': adapters with biases are not read");
  if (fields.has("modules_to_save") && !fields.raw()["modules_to_save"].empty())
    fields.refuse("modules_to_save", "adapters with whole modules are not read");
  if (fields.has("layer_replication") && !fields.raw()["layer_replication"].empty())
    fields.refuse("layer_replication", "an adapter of a model whose layers are repeated is not read");
  if (fields.has("alora_invocation_tokens") && !fields.raw()["alora_invocation_tokens"].empty())
    fields.refuse("alora_invocation_tokens",
                  "an activated LoRA acts on a part of a text's tokens; it is not read");
  // How A and B began does not matter, unless it took something out of the base's weights (PiSSA, OLoRA,
  // CorDA, LoftQ): PEFT does so again at each load, and the adapter is none of the base as it is stored.
  if (fields.has("init_lora_weights") && fields.raw()["init_lora_weights"].is_string()) {
    std::string init = fields.string("init_lora_weights");
    if (init != "gaussian" && init != "eva" && init != "orthogonal")
      fields.refuse("init_lora_weights",
                    "'" + init +
                        "': PEFT changes the base's weights when it loads such an adapter; true, false, "
                        "gaussian, eva and orthogonal are read (PEFT's save_pretrained with "
                        "path_initial_model_for_weight_conversion makes a plain LoRA of it)");
  }
}

SafetensorsFile tensorsOf(const fs::path &folder) {
  if (!fs::exists(folder / peftTensors) && fs::exists(folder / "adapter_model.bin"))
    badInput(folder.string() + ": holds adapter_model.bin, a pickle, which is not read: save the adapter as "
                               "safetensors (PEFT: save_pretrained)");
  return SafetensorsFile(folder / peftTensors);
}

} // namespace

PeftModules::PeftModules(const fs::path &folder, const ModelConfig *config)
    : config(config), root(parseRow(readFile(folder / peftConfig), (folder / peftConfig).string())),
      fields(root, (folder / peftConfig).string()), tensors(tensorsOf(folder)) {
  refuseVariants(fields);
  layers = config ? config->numLayers : layersNamed();
  findModules();
}

/// One more than the largest layer that a tensor's name holds.
int64_t PeftModules::layersNamed() const {
  constexpr std::string_view prefix = "base_model.model.model.layers.";
  int64_t count = 0;
  for (const SafetensorsEntry &entry : tensors.tensors()) {
    int64_t layer = -1;
    const char *end = entry.name.data() + entry.name.size();
    if (entry.name.starts_with(prefix) &&
        std::from_chars(entry.name.data() + prefix.size(), end, layer).ec == std::errc() && layer < 100000)
      count = std::max(count, layer + 1);
  }
  return count;
}

void PeftModules::findModules() {
  std::set<std::string> used;
  for (int64_t layer = 0; layer < layers; ++layer)
    for (std::string_view target : projections)
      if (auto module = findModule(layer, std::string(target))) {
        found.push_back(*module);
        used.insert({module->a->name, module->b->name});
      }
  for (const SafetensorsEntry &entry : tensors.tensors())
    if (!used.count(entry.name))
      badInput(tensors.path().string() + ": tensor '" + entry.name +
               "' is unexpected: no pair of lora_A and lora_B on a projection of this model");
  if (found.empty())
    badInput(tensors.path().string() + ": holds no lora_A and lora_B of this model's projections");
}

std::optional<PeftModule> PeftModules::findModule(int64_t layer, const std::string &target) const {
  std::string path = projectionPath(layer, target), prefix = "base_model.model." + path;
  const SafetensorsEntry *a = tensors.find(prefix + ".lora_A.weight"),
                         *b = tensors.find(prefix + ".lora_B.weight");
  if (!a || !b)
    return std::nullopt; // half a pair is found unexpected later
  auto sizeOf = [](const SafetensorsEntry &entry, size_t axis) {
    return entry.shape.size() == 2 ? entry.shape[axis] : 0;
  };
  auto [out, in] = config ? projectionShape(*config, target) : ProjectionShape{sizeOf(*b, 0), sizeOf(*a, 1)};
  double expected = peftPattern(fields, "rank_pattern", path, static_cast<double>(fields.integer("r")));
  int64_t rank = a->shape.empty() ? 0 : a->shape[0];
  if (rank < 1 || static_cast<double>(rank) != expected || a->shape != std::vector<int64_t>{rank, in} ||
      b->shape != std::vector<int64_t>{out, rank})
    badInput(tensors.path().string() + ": '" + prefix + "': lora_A is " + shapeText(a->shape) + ", lora_B " +
             shapeText(b->shape) + "; [r, " + std::to_string(in) + "] and [" + std::to_string(out) +
             ", r] are expected, with r = " + std::to_string(static_cast<int64_t>(expected)));
  double alpha = peftPattern(fields, "alpha_pattern", path, fields.number("lora_alpha"));
  bool rootScaled = fields.optionalBoolean("use_rslora").value_or(false);
  double scaling = alpha / (rootScaled ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
  return PeftModule{layer, target, rank, scaling, a, b};
}

static void fillZeros(Adapter &adapter, const ModelConfig &config) {
  for (const AdapterTensorSpec &spec : adapterTensors(adapter, config))
    adapter.tensors[spec.name] = {spec.shape,
                                  std::vector<float>(static_cast<size_t>(spec.shape[0] * spec.shape[1]))};
}

// A's rows are the first of the padded ones, B's columns too; a scaling that differs goes into B.
static void place(Adapter &adapter, const SafetensorsFile &file, const PeftModule &module, double common) {
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

Adapter readPeftAdapter(const fs::path &folder, const ModelConfig &config) {
  PeftModules peft(folder, &config);
  Adapter adapter;
  adapter.method = "lora";
  adapter.numLayers = config.numLayers;
  adapter.baseModel = peft.baseModel();
  std::vector<std::string> targets;
  for (const PeftModule &module : peft.modules()) {
    targets.push_back(module.target);
    adapter.rank = std::max(adapter.rank, module.rank);
  }
  adapter.targets = orderedTargets(targets);
  double first = peft.modules().front().scaling, common = first != 0 ? first : 1;
  adapter.alpha = common * static_cast<double>(adapter.rank);
  for (const PeftModule &module : peft.modules())
    adapter.scalingsDiffer = adapter.scalingsDiffer || module.scaling != common;
  fillZeros(adapter, config);
  for (const PeftModule &module : peft.modules())
    place(adapter, peft.file(), module, common);
  return adapter;
}

} // namespace mlora
