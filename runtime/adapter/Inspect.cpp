#include "mlora/Runtime/Adapter/Inspect.h"

#include "AdapterReaders.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Checkpoint.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/Safetensors.h"
#include "mlora/Runtime/Program/Bundle.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace mlora {
namespace {

int64_t count(const std::vector<int64_t> &shape) {
  int64_t product = 1;
  for (int64_t size : shape)
    product *= size;
  return product;
}

ordered_json tensorRow(const std::string &name, const std::string &dtype, const std::vector<int64_t> &shape) {
  return {{"name", name}, {"dtype", dtype}, {"shape", shape}};
}

ordered_json describe(const ModelConfig &config) {
  ordered_json json = {{"vocab_size", config.vocabSize},
                       {"hidden_size", config.hiddenSize},
                       {"intermediate_size", config.intermediateSize},
                       {"num_hidden_layers", config.numLayers},
                       {"num_attention_heads", config.numHeads},
                       {"num_key_value_heads", config.numKeyValueHeads},
                       {"head_dim", config.headDim},
                       {"max_position_embeddings", config.maxPositions},
                       {"rms_norm_eps", config.rmsNormEps},
                       {"rope_theta", config.ropeTheta},
                       {"rope_type", config.llama3 || !config.ropeDivisors.empty() ? "llama3" : "default"},
                       {"tie_word_embeddings", config.tiedHead},
                       {"dtype", config.dtype}};
  return json;
}

ordered_json checkpoint(const fs::path &path) {
  std::unique_ptr<Checkpoint> opened = Checkpoint::open(path);
  std::map<std::string, int64_t> dtypes;
  int64_t parameters = 0;
  ordered_json tensors = ordered_json::array();
  for (const TensorInfo &info : opened->tensors()) {
    dtypes[info.dtype] += count(info.shape);
    parameters += count(info.shape);
    tensors.push_back(tensorRow(info.name, info.dtype, info.shape));
  }
  return {{"kind", "checkpoint"},
          {"path", path.string()},
          {"container", fs::is_directory(path) ? "safetensors" : "gguf"},
          {"fingerprint", opened->fingerprint()},
          {"parameters", parameters},
          {"parameters_by_dtype", dtypes},
          {"config", describe(opened->config())},
          {"tensors", tensors}};
}

/// Layers, largest rank and ‖ΔW‖ of each projection, over all layers.
ordered_json projectionRows(const AdapterSource &adapter) {
  ordered_json rows = ordered_json::object();
  for (const std::string &target : adapter.targets()) {
    int64_t layers = 0, rank = 0;
    double squares = 0;
    for (int64_t layer = 0; layer < adapter.numLayers(); ++layer)
      if (int64_t own = adapter.rank(layer, target)) {
        double norm = adapter.updateNorm(layer, target);
        ++layers;
        rank = std::max(rank, own);
        squares += norm * norm;
      }
    rows[target] = {{"layers", layers}, {"rank", rank}, {"update_norm", std::sqrt(squares)}};
  }
  return rows;
}

ordered_json nativeAdapter(const fs::path &folder) {
  Adapter adapter = readNativeAdapter(folder);
  int64_t parameters = 0;
  for (const auto &[name, tensor] : adapter.tensors)
    parameters += count(tensor.shape);
  int64_t rank = adapter.rank * adapter.numBranches;
  return {{"kind", "adapter"},
          {"path", folder.string()},
          {"container", "mlora"},
          {"fingerprint", hashFileHex(folder / nativeTensors)},
          {"method", adapter.method},
          {"num_branches", adapter.numBranches},
          {"lora_r", adapter.rank},
          {"lora_alpha", adapter.alpha},
          {"lora_target_modules", adapter.targets},
          {"num_layers", adapter.numLayers},
          {"parameters", parameters},
          {"tensors", adapter.tensors.size()},
          {"peft_rank", rank},
          {"vllm_max_lora_rank", vllmMaxLoraRank(rank)},
          {"projections", projectionRows(*AdapterSource::open(folder))},
          {"base_model_name_or_path", adapter.baseModel},
          {"base_fingerprint", adapter.baseFingerprint}};
}

ordered_json peftAdapter(const fs::path &folder) {
  nlohmann::json config = readJsonFile(folder / peftConfig);
  SafetensorsFile file(folder / peftTensors);
  int64_t parameters = 0;
  for (const SafetensorsEntry &entry : file.tensors())
    parameters += entry.elements();
  ordered_json json = {{"kind", "adapter"},        {"path", folder.string()},
                       {"container", "peft"},      {"fingerprint", hashFileHex(folder / peftTensors)},
                       {"parameters", parameters}, {"tensors", file.tensors().size()}};
  try {
    auto adapter = AdapterSource::open(folder);
    int64_t rank = adapter->largestRank();
    json["rank"] = rank;
    json["lora_target_modules"] = adapter->targets();
    json["num_layers"] = adapter->numLayers();
    json["vllm_max_lora_rank"] = vllmMaxLoraRank(rank);
    json["projections"] = projectionRows(*adapter);
  } catch (
      const Error &error) { // of another architecture, or no plain LoRA: the rest can be said all the same
    json["not_usable_here"] = error.what();
  }
  json["adapter_config"] = config;
  return json;
}

ordered_json safetensors(const fs::path &path) {
  SafetensorsFile file(path);
  ordered_json tensors = ordered_json::array();
  for (const SafetensorsEntry &entry : file.tensors())
    tensors.push_back(tensorRow(entry.name, entry.dtype, entry.shape));
  return {{"kind", "safetensors"},
          {"path", path.string()},
          {"fingerprint", hashFileHex(path)},
          {"metadata", file.metadata()},
          {"tensors", tensors}};
}

// Long arrays, a vocabulary say, are told by their length.
ordered_json describe(const GgufValue &value) {
  return std::visit(
      []<typename T>(const T &held) -> ordered_json {
        if constexpr (requires { held.push_back({}); } && !std::is_same_v<T, std::string>)
          if (held.size() > 16)
            return "array of " + std::to_string(held.size());
        return held;
      },
      value);
}

ordered_json gguf(const fs::path &path) {
  GgufFile file(path);
  if (file.string("general.architecture") == "llama" &&
      file.string("general.type").value_or("model") == "model" && file.findTensor("token_embd.weight"))
    return checkpoint(path);
  ordered_json metadata = ordered_json::object(), tensors = ordered_json::array();
  for (const auto &[key, value] : file.values())
    metadata[key] = describe(value);
  for (const GgufTensor &tensor : file.tensors())
    tensors.push_back(tensorRow(tensor.name, tensor.type->name, tensor.shape));
  return {{"kind", "gguf"},
          {"path", path.string()},
          {"fingerprint", hashFileHex(path)},
          {"metadata", metadata},
          {"tensors", tensors}};
}

ordered_json bundle(const fs::path &manifest) {
  nlohmann::json root = readJsonFile(manifest);
  JsonFields fields(root, manifest.string());
  bool isPtx = fields.has("ptx");
  const char *key = isPtx ? "ptx" : "shared_object";
  std::string object = fields.string(key),
              expected = fields.string(isPtx ? "ptx_xxh3" : "shared_object_xxh3");
  if (object.find('/') != std::string::npos)
    fields.refuse(key, "'" + object + "' is no plain file name");
  fs::path library = manifest.parent_path() / object;
  ordered_json json = {
      {"kind", "bundle"}, {"path", manifest.parent_path().string()}, {"fingerprint", expected}};
  json["intact"] =
      fs::exists(library) && hashFileHex(library) == expected && Bundle::sealHolds(manifest.parent_path());
  // "kind" of the program is not the kind of thing that this is.
  json["program"] = fields.string("kind");
  for (const char *key :
       {"format", "compiler", "target", "chip", "cpu", "request", "model", "arena", "scratch_bytes"})
    if (fields.has(key))
      json[key] = root[key];
  for (const char *list : {"buffers", "kernels", "sections", "parameters"})
    json[list] = fields.has(list) ? root[list].size() : 0;
  return json;
}

ordered_json folder(const fs::path &path) {
  auto has = [&](const char *name) { return fs::exists(path / name); };
  if (has("manifest.json"))
    return bundle(path / "manifest.json");
  if (has(nativeConfig))
    return nativeAdapter(path);
  if (has(peftConfig))
    return peftAdapter(path);
  if (has("config.json"))
    return checkpoint(path);
  badInput(path.string() +
           ": holds no checkpoint (config.json), adapter (mlora_config.json, adapter_config.json), "
           "tokenizer (tokenizer.json) or bundle (manifest.json)");
}

} // namespace

ordered_json inspect(const fs::path &path) {
  if (!fs::exists(path))
    badInput(path.string() + ": does not exist");
  if (fs::is_directory(path))
    return folder(path);
  if (beginsLikeGguf(path) || path.extension() == ".gguf")
    return gguf(path);
  if (path.extension() == ".safetensors")
    return safetensors(path);
  if (path.filename() == "manifest.json")
    return bundle(path);
  if (path.extension() == ".json")
    return {
        {"kind", "configuration"}, {"path", path.string()}, {"config", describe(ModelConfig::read(path))}};
  badInput(path.string() + ": is no .safetensors, .gguf, config.json, tokenizer.json or manifest.json");
}

} // namespace mlora
