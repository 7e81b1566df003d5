#include "TrainedModel.h"

#include "mlora/Runtime/Adapter/Adapter.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <cmath>

namespace mlora {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

Shapes shapesOf(const Checkpoint &checkpoint) {
  Shapes shapes;
  for (const TensorInfo &info : checkpoint.tensors())
    shapes[info.name] = info.shape;
  return shapes;
}

void checkTensors(const Checkpoint &base, const Checkpoint &trained) {
  std::string where = trained.path().string() + ": tensor '", ofBase = base.path().string();
  Shapes expected = shapesOf(base), found = shapesOf(trained);
  for (const auto &[name, shape] : expected) {
    auto entry = found.find(name);
    if (entry == found.end())
      badInput(where + name + "' is missing, which the base " + ofBase + " has");
    if (entry->second != shape)
      badInput(where + name + "' is " + shapeText(entry->second) + "; the base " + ofBase + " has " +
               shapeText(shape));
  }
  for (const auto &[name, shape] : found)
    if (!expected.count(name))
      badInput(where + name + "' is none of the base's (" + ofBase + ")");
}

/// What shapes do not say, and the merged model takes from the base.
void checkConventions(const Checkpoint &base, const Checkpoint &trained) {
  const ModelConfig &expected = base.config(), &found = trained.config();
  auto compare = [&](const char *key, double have, double want) {
    if (std::abs(have - want) > 1e-6 * std::abs(want)) // GGUF has floats
      badInput(trained.path().string() + ": " + key + " is " + nlohmann::json(have).dump() + "; the base " +
               base.path().string() + " has " + nlohmann::json(want).dump());
  };
  compare("num_attention_heads", double(found.numHeads), double(expected.numHeads));
  compare("head_dim", double(found.headDim), double(expected.headDim));
  compare("rms_norm_eps", found.rmsNormEps, expected.rmsNormEps);
  compare("rope_theta", found.ropeTheta, expected.ropeTheta);
  auto divisors = [](const ModelConfig &config) {
    std::vector<float> all = rotaryDivisors(config);
    return all.empty() ? std::vector<float>(size_t(config.headDim / 2), 1.0f) : all;
  };
  auto near = [](float have, float want) { return std::abs(have - want) <= 1e-3f * want; };
  if (!std::ranges::equal(divisors(found), divisors(expected), near))
    badInput(trained.path().string() + ": rope_scaling is another one than that of the base " +
             base.path().string());
}

} // namespace

void checkTrained(const Checkpoint &base, const Checkpoint &trained) {
  checkTensors(base, trained);
  checkConventions(base, trained);
  for (const StoredFile &file : trained.storedFiles())
    if (auto trainedOn = file.metadata.find(baseFingerprintKey); trainedOn != file.metadata.end()) {
      auto name = file.metadata.find(baseModelKey);
      checkBase(trainedOn->second, name == file.metadata.end() ? "" : name->second, base.fingerprint(),
                file.path.string());
    }
}

} // namespace mlora
