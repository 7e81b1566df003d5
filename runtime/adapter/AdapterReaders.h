// Names of the adapter files, and the readers that readAdapter chooses from.
#pragma once

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/AdapterSource.h"

namespace mlora {

inline constexpr const char *nativeTensors = "mlora_adapter.safetensors", *nativeConfig = "mlora_config.json",
                            *peftTensors = "adapter_model.safetensors", *peftConfig = "adapter_config.json";

/// Throws Error(BadInput) unless the folder holds an adapter, ours or PEFT's.
void checkAdapterFolder(const std::filesystem::path &folder);
/// What mlora_config.json says: an adapter without tensors.
Adapter readNativeConfig(const std::filesystem::path &folder);
/// Without knowing the model; readAdapter checks the result against it.
Adapter readNativeAdapter(const std::filesystem::path &folder);
Adapter readPeftAdapter(const std::filesystem::path &folder, const ModelConfig &config);

/// The update of a projection with rank `rank`, zeros added: all of it where there is none in this layer.
LowRank paddedFactors(const AdapterSource &adapter, int64_t layer, const std::string &target, int64_t rank,
                      const ModelConfig &config);

} // namespace mlora
