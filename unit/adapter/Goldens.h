// The golden adapters of /work/shared as Adapter structs.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Safetensors.h"

namespace mlora::test {

inline const std::filesystem::path goldens = std::filesystem::path(MLORA_SHARED) / "data/goldens";
inline constexpr const char *adapterCases[] = {"stories260k", "llama3-tiny", "packed"};

#define SKIP_WITHOUT_GOLDENS()                                                                               \
  if (!std::filesystem::exists(mlora::test::goldens))                                                        \
  GTEST_SKIP() << mlora::test::goldens << " is absent"

inline Adapter goldenAdapter(const std::string &name, const ModelConfig &config) {
  nlohmann::json root = readJsonFile(goldens / name / "case.json");
  JsonFields fields(root, name);
  Adapter adapter;
  adapter.method = fields.string("method");
  adapter.numBranches = fields.optionalInteger("num_branches").value_or(1);
  adapter.rank = fields.integer("lora_r");
  adapter.alpha = fields.number("lora_alpha");
  adapter.targets = orderedTargets(fields.strings("lora_target_modules"));
  adapter.numLayers = config.numLayers;
  adapter.baseModel = "../model";
  SafetensorsFile file(goldens / name / "adapter.safetensors");
  for (const SafetensorsEntry &entry : file.tensors())
    adapter.tensors[entry.name] = {entry.shape, file.floats(entry.name)};
  return adapter;
}

} // namespace mlora::test
