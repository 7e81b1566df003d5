#include "MergePlan.h"

#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <map>

using nlohmann::ordered_json;

namespace mlora {
namespace {

int64_t columnsOf(const std::vector<int64_t> &shape) { return shape.size() == 2 ? shape[1] : 1; }

/// "F16" of "f16".
std::string storedName(const std::string &dtype) {
  static const std::map<std::string, std::string> names = {
      {"f32", "F32"}, {"f16", "F16"}, {"bf16", "BF16"}, {"q8_0", "Q8_0"}};
  return names.at(dtype);
}

/// What a weight is stored as when nothing is asked for.
std::string kept(const std::string &dtype) { return dtype == "F16" || dtype == "BF16" ? dtype : "F32"; }

/// A checkpoint's weights in the order of a safetensors file.
std::vector<StoredTensor> inModelOrder(const Checkpoint &checkpoint) {
  std::map<std::string, StoredTensor> byName;
  for (StoredFile &file : checkpoint.storedFiles())
    for (StoredTensor &tensor : file.tensors)
      byName[tensor.name] = std::move(tensor);
  std::vector<StoredTensor> result;
  for (const TensorInfo &info : checkpoint.tensors())
    result.push_back(byName.at(info.name));
  return result;
}

/// Header and places of a safetensors file with these tensors in this order.
PlannedFile safetensorsFile(const std::string &name, const std::vector<StoredTensor> &tensors,
                            std::map<std::string, std::string> metadata, const MergeOptions &options) {
  PlannedFile file;
  file.name = name;
  for (const char *key : {baseFingerprintKey, baseModelKey}) // true of the base alone
    metadata.erase(key);
  for (const auto &[key, value] : mergedMetadata())
    metadata[key] = value;
  ordered_json header;
  header["__metadata__"] = metadata;
  auto &members = header.get_ref<ordered_json::object_t &>();
  uint64_t offset = 0;
  for (const StoredTensor &source : tensors) {
    PlannedTensor tensor;
    tensor.name = source.name;
    tensor.source = source;
    tensor.rows = source.shape.empty() ? 1 : source.shape[0];
    tensor.columns = columnsOf(source.shape);
    bool weight = source.shape.size() <= 2 && (source.dtype != "F64" || !options.dtype.empty()) &&
                  !source.name.ends_with("rotary_emb.inv_freq");
    std::string dtype = source.dtype;
    if (weight) {
      dtype = options.dtype.empty() ? kept(source.dtype) : storedName(options.dtype);
      tensor.format = storeFormat(dtype);
    }
    tensor.offset = offset;
    tensor.bytes = storedSize(dtype, tensor.rows * tensor.columns);
    offset += tensor.bytes;
    ordered_json entry;
    entry["dtype"] = dtype;
    entry["shape"] = source.shape;
    entry["data_offsets"] = {tensor.offset, offset};
    members.push_back({tensor.name, std::move(entry)});
    file.tensors.push_back(std::move(tensor));
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  uint64_t length = text.size();
  file.head.assign(reinterpret_cast<const char *>(&length), 8);
  file.head += text;
  for (PlannedTensor &tensor : file.tensors)
    tensor.offset += file.head.size();
  file.bytes = file.head.size() + offset;
  return file;
}

std::string indexJson(const std::vector<PlannedFile> &files) {
  ordered_json map = ordered_json::object();
  std::map<std::string, std::string> sorted;
  uint64_t total = 0;
  for (const PlannedFile &file : files)
    for (const PlannedTensor &tensor : file.tensors) {
      sorted[tensor.name] = file.name;
      total += tensor.bytes;
    }
  ordered_json index;
  index["metadata"]["total_size"] = total;
  index["weight_map"] = sorted;
  return index.dump(2) + "\n";
}

/// Names the weights that adapters update.
void placeUpdates(MergePlan &plan, const Checkpoint &base,
                  const std::vector<const AdapterSource *> &adapters) {
  std::map<std::string, std::pair<int64_t, std::string>> adapted;
  for (int64_t layer = 0; layer < base.config().numLayers; ++layer)
    for (std::string_view projection : projections) {
      std::string target(projection);
      bool any = std::any_of(adapters.begin(), adapters.end(),
                             [&](const AdapterSource *adapter) { return adapter->rank(layer, target) > 0; });
      if (any)
        adapted[projectionPath(layer, target) + ".weight"] = {layer, target};
    }
  for (PlannedFile &file : plan.files)
    for (PlannedTensor &tensor : file.tensors) {
      auto place = adapted.find(tensor.source.name);
      if (place != adapted.end())
        std::tie(tensor.layer, tensor.target) = place->second;
    }
}

/// Names every weight of the model, and says where its trained values lie.
void placeTrained(MergePlan &plan, const Checkpoint &base, const Checkpoint &trained) {
  std::map<std::string, StoredTensor> byName;
  for (StoredTensor &tensor : inModelOrder(trained))
    byName[tensor.name] = std::move(tensor);
  if (base.config().tiedHead) // the base's file may hold the head all the same
    byName["lm_head.weight"] = byName.at("model.embed_tokens.weight");
  for (PlannedFile &file : plan.files)
    for (PlannedTensor &tensor : file.tensors)
      if (auto found = byName.find(tensor.source.name); found != byName.end()) {
        tensor.trained = found->second;
        std::tie(tensor.layer, tensor.target) = tensorPlace(tensor.source.name);
      }
}

MergePlan planFiles(const Checkpoint &base, const MergeOptions &options) {
  static constexpr std::string_view known[] = {"", "f32", "f16", "bf16", "q8_0"};
  if (std::find(std::begin(known), std::end(known), options.dtype) == std::end(known))
    badInput("dtype '" + options.dtype + "' is unknown to merge: f32, f16, bf16 or (GGUF) q8_0 is expected");
  return options.format == MergeFormat::Gguf ? planGguf(base, options) : planHuggingFace(base, options);
}

/// What has no update and stays as it is stored is copied.
MergePlan withCopies(MergePlan plan) {
  for (PlannedFile &file : plan.files)
    for (PlannedTensor &tensor : file.tensors) {
      if (tensor.updated() && !tensor.format)
        badInput("tensor '" + tensor.name + "' is stored as " + tensor.source.dtype +
                 ", to which no update can be added: choose a dtype");
      if (!tensor.updated() && tensor.format && tensor.source.dtype == storeName(*tensor.format) &&
          !tensor.turns(tensor.source))
        tensor.format.reset();
    }
  return plan;
}

} // namespace

MergePlan planHuggingFace(const Checkpoint &base, const MergeOptions &options) {
  if (options.dtype == "q8_0")
    badInput("dtype q8_0 is GGUF's: give output_dir=NAME.gguf, or dtype f32, f16 or bf16");
  static const std::map<std::string, std::string> words = {
      {"f32", "float32"}, {"f16", "float16"}, {"bf16", "bfloat16"}};
  MergePlan plan;
  if (std::filesystem::is_directory(base.path())) {
    if (!options.dtype.empty())
      plan.configDtype = words.at(options.dtype);
    for (const StoredFile &file : base.storedFiles())
      plan.files.push_back(
          safetensorsFile(file.path.filename().string(), file.tensors, file.metadata, options));
    if (plan.files.size() > 1 || plan.files[0].name != "model.safetensors") // is found by its index only
      plan.index = indexJson(plan.files);
    return plan;
  }
  // One dtype for all: that of most weights.
  MergeOptions all = options;
  const std::string &most = base.config().dtype;
  if (all.dtype.empty())
    all.dtype = most == "float16" ? "f16" : most == "bfloat16" ? "bf16" : "f32";
  plan.configDtype = words.at(all.dtype);
  plan.files.push_back(safetensorsFile("model.safetensors", inModelOrder(base), {{"format", "pt"}}, all));
  return plan;
}

MergePlan planMerge(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                    const MergeOptions &options) {
  MergePlan plan = planFiles(base, options);
  placeUpdates(plan, base, adapters);
  return withCopies(std::move(plan));
}

MergePlan planMerge(const Checkpoint &base, const Checkpoint &trained, const MergeOptions &options) {
  MergePlan plan = planFiles(base, options);
  placeTrained(plan, base, trained);
  return withCopies(std::move(plan));
}

} // namespace mlora
