#include "mlora/Runtime/Train/Start.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Text.h"
#include "mlora/Runtime/Program/Arena.h"

namespace mlora {
namespace {

std::string numberText(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

/// Defaults give way to the adapter; what the user asked for does not.
void checkGiven(const Arguments &arguments, const Adapter &adapter) {
  const Config &config = arguments.config;
  auto compare = [&](const char *key, const std::string &asked, const std::string &have) {
    if (arguments.has(key) && asked != have)
      badInput(arguments.given.at(key).text() + ": " + key + " " + asked + " contradicts the adapter " +
               config.adapter + ", which has " + have + ": leave the key out, or start without `adapter`");
  };
  compare("method", config.method, adapter.method);
  compare("num_branches", std::to_string(config.numBranches), std::to_string(adapter.numBranches));
  compare("lora_r", std::to_string(config.loraR), std::to_string(adapter.rank));
  compare("lora_alpha", numberText(config.alpha()), numberText(adapter.alpha));
  compare("lora_target_modules", joined(orderedTargets(config.targetModules), ", "), joined(adapter.targets, ", "));
}

/// Value, gradient and two moments of an adapter: more than the machine has is said before memory is taken.
void checkFits(const Config &config, const ModelConfig &model) {
  Adapter shape;
  shape.method = config.method;
  shape.numBranches = config.numBranches;
  shape.rank = config.loraR;
  shape.numLayers = model.numLayers;
  shape.targets = orderedTargets(config.targetModules);
  double bytes = 0;
  for (const AdapterTensorSpec &spec : adapterTensors(shape, model)) {
    double elements = 1;
    for (int64_t size : spec.shape)
      elements *= double(size);
    bytes += 4 * sizeof(float) * elements;
  }
  if (bytes > double(physicalMemory()))
    failed("an adapter of num_branches " + std::to_string(config.numBranches) + " and lora_r " +
           std::to_string(config.loraR) + " needs " + std::to_string(int64_t(bytes / 0x1p20)) +
           " MiB with its gradient and moments, this machine has " + std::to_string(physicalMemory() >> 20) +
           " MiB: lower one of the two");
}

} // namespace

std::optional<Adapter> startingAdapter(const Arguments &arguments, const Checkpoint &base) {
  const Config &config = arguments.config;
  std::string fingerprint = base.fingerprint();
  if (!config.adapter.empty()) {
    if (config.method == "none")
      badInput("method=none is the base alone: leave `adapter` out");
    if (config.method == "ft")
      badInput(
          "method=ft trains the base's own weights: merge the adapter first, then start from the result");
    Adapter adapter = readAdapter(config.adapter, base.config());
    checkBase(adapter, fingerprint, config.adapter);
    // A PEFT LoRA is read as method lora; who asks for multilora gets its one branch with scalings.
    if (arguments.has("method") && config.method == "multilora")
      adapter = asMultiLora(std::move(adapter));
    checkGiven(arguments, adapter);
    adapter.baseModel = config.model;
    adapter.baseFingerprint = fingerprint;
    return adapter;
  }
  if (config.method == "ft")
    return std::nullopt;
  if (config.method == "none") {
    Adapter none;
    none.method = "none";
    return none;
  }
  checkFits(config, base.config());
  Adapter adapter = initialAdapter(base.config(),
                                   {.method = config.method,
                                    .numBranches = config.numBranches,
                                    .rank = config.loraR,
                                    .alpha = config.alpha(),
                                    .targets = config.targetModules},
                                   config.seed);
  adapter.baseModel = config.model;
  adapter.baseFingerprint = fingerprint;
  return adapter;
}

} // namespace mlora
