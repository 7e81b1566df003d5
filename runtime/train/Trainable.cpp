#include "mlora/Runtime/Train/Trainable.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Text.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <malloc.h>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// A whole checkpoint, one tensor in memory at a time.
void writeWeights(const fs::path &path, const Checkpoint &base, const Parameters *parameters) {
  std::vector<SafetensorsSpec> specs;
  for (const TensorInfo &tensor : base.tensors())
    specs.push_back({tensor.name, "F32", tensor.shape});
  SafetensorsWriter writer(
      path, specs,
      {{"format", "pt"}, {baseFingerprintKey, base.fingerprint()}, {baseModelKey, base.path().string()}});
  std::vector<float> values;
  for (const SafetensorsSpec &spec : writer.order()) {
    const ParameterTensor *tensor = parameters ? parameters->find(spec.name) : nullptr;
    if (tensor) {
      values = parameters->read(*tensor, ParameterPart::Value);
    } else {
      int64_t count = 1;
      for (int64_t size : spec.shape)
        count *= size;
      values.resize(size_t(count));
      base.read(spec.name, values);
    }
    writer.write(values.data(), values.size() * sizeof(float));
  }
  writer.commit();
}

} // namespace

void writeFullCheckpoint(const fs::path &folder, const Checkpoint &base, const Parameters *parameters,
                         const std::vector<std::pair<std::string, std::string>> &files) {
  writeWeights(folder / "model.safetensors", base, parameters);
  writeModelFiles(folder, base, "float32", files);
}

void loadStart(Program &program, Parameters &parameters, const Checkpoint &base,
               std::optional<Adapter> &adapter) {
  if (adapter) {
    loadAdapter(parameters, *adapter);
    adapter = describeAdapter(*adapter);
  } else {
    parameters.load(base);
  }
  loadWeights(program, base);
  // What was read and converted on the way goes back to the system before the arena fills.
  malloc_trim(0);
}

Adapter describeAdapter(const Adapter &adapter) {
  Adapter description;
  description.method = adapter.method;
  description.numBranches = adapter.numBranches;
  description.rank = adapter.rank;
  description.numLayers = adapter.numLayers;
  description.alpha = adapter.alpha;
  description.targets = adapter.targets;
  description.baseModel = adapter.baseModel;
  description.baseFingerprint = adapter.baseFingerprint;
  return description;
}

void checkSameShape(const Adapter &adapter, const Adapter &expected, const std::string &where) {
  auto compare = [&where](const char *key, const std::string &have, const std::string &want) {
    if (have != want)
      badInput(where + ": has " + key + " " + have + ", but " + want +
               " is asked for: give the value that it was trained with, or leave resume_from_checkpoint out");
  };
  compare("method", adapter.method, expected.method);
  compare("num_branches", std::to_string(adapter.numBranches), std::to_string(expected.numBranches));
  compare("lora_r", std::to_string(adapter.rank), std::to_string(expected.rank));
  compare("lora_alpha", nlohmann::json(adapter.alpha).dump(), nlohmann::json(expected.alpha).dump());
  compare("lora_target_modules", joined(adapter.targets, ", "), joined(expected.targets, ", "));
}

Adapter Trainable::adapter() const {
  Adapter result = describeAdapter(*description);
  for (const ParameterTensor &tensor : parameters.tensors())
    result.tensors[tensor.name] = {tensor.shape, parameters.read(tensor, ParameterPart::Value)};
  return result;
}

void Trainable::load(const fs::path &folder) {
  if (!isAdapter())
    return parameters.load(*Checkpoint::open(folder));
  Adapter stored = readAdapter(folder, base.config());
  checkSameShape(stored, *description, folder.string());
  checkBase(stored, description->baseFingerprint, folder.string());
  loadAdapter(parameters, stored);
}

void Trainable::save(const fs::path &folder,
                     const std::vector<std::pair<std::string, std::string>> &files) const {
  if (isAdapter())
    return writeAdapter(folder, adapter(), base.config());
  writeFullCheckpoint(folder, base, &parameters, files);
}

int64_t Trainable::bytes() const {
  // An adapter is written twice: our branches, and PEFT's.
  return parameters.elements() * int64_t(sizeof(float)) * (isAdapter() ? 2 : 1);
}

} // namespace mlora
