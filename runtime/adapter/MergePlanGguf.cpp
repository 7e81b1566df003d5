// A merged GGUF file: metadata as llama.cpp's converter writes it, or the base's own, then the tensors.
#include "MergePlan.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <map>
#include <set>

namespace fs = std::filesystem;

namespace mlora {
namespace {

constexpr const char *writtenBy = "mlora.written_by";

/// What merge calls a type, of a model's configuration or of a tensor; f32 where it can store none such.
std::string dtypeOf(const std::string &stored) {
  static const std::map<std::string, std::string> names = {
      {"float32", "f32"},   {"F32", "f32"},   {"float16", "f16"}, {"F16", "f16"},
      {"bfloat16", "bf16"}, {"BF16", "bf16"}, {"Q8_0", "q8_0"}};
  auto name = names.find(stored);
  return name == names.end() ? "f32" : name->second;
}

void addModel(GgufHead &head, const Checkpoint &base) {
  const ModelConfig &config = base.config();
  auto count = [&](const char *key, int64_t value) {
    head.add(std::string("llama.") + key, static_cast<uint32_t>(value));
  };
  head.add("general.architecture", std::string("llama"));
  head.add("general.type", std::string("model"));
  head.add("general.name", fs::weakly_canonical(base.path()).filename().string());
  count("block_count", config.numLayers);
  count("context_length", config.maxPositions);
  count("embedding_length", config.hiddenSize);
  count("feed_forward_length", config.intermediateSize);
  count("attention.head_count", config.numHeads);
  count("attention.head_count_kv", config.numKeyValueHeads);
  head.add("llama.rope.freq_base", static_cast<float>(config.ropeTheta));
  head.add("llama.attention.layer_norm_rms_epsilon", static_cast<float>(config.rmsNormEps));
  count("attention.key_length", config.headDim);
  count("attention.value_length", config.headDim);
  count("vocab_size", config.vocabSize);
  count("rope.dimension_count", config.headDim);
}

/// ggml's number for a file that holds mostly this.
uint32_t fileType(const std::string &dtype) {
  return dtype == "f32" ? 0 : dtype == "f16" ? 1 : dtype == "q8_0" ? 7 : 32;
}

void addMetadata(GgufHead &head, const Checkpoint &base, const MergeOptions &options,
                 const std::string &dtype) {
  if (fs::is_directory(base.path())) {
    addModel(head, base);
    for (const auto &[key, value] : options.tokenizer)
      head.add(key, value);
  } else {
    // Everything that the base says, as it says it, but what is about how it is stored.
    static const std::set<std::string> replaced = {"general.file_type", "general.quantization_version",
                                                   "general.alignment", writtenBy};
    GgufFile file(base.path());
    for (const GgufRawPair &pair : file.rawPairs())
      if (!replaced.count(pair.key) && !pair.key.starts_with("split.")) {
        std::span<const uint8_t> bytes = file.bytes(pair);
        head.addRaw({reinterpret_cast<const char *>(bytes.data()), bytes.size()});
      }
  }
  head.add("general.file_type", fileType(dtype));
  head.add("general.quantization_version", uint32_t(2));
  head.add(writtenBy, std::string("mlora-run merge"));
}

/// Vectors stay f32, as llama.cpp has them; rows that Q8_0 cannot cut become f16, as its converter does.
/// `asked` is empty where each tensor keeps its own.
StoreFormat formatOf(const StoredTensor &tensor, const std::string &asked, MergePlan &plan) {
  if (tensor.shape.size() < 2)
    return StoreFormat::F32;
  std::string dtype = asked.empty() ? dtypeOf(tensor.dtype) : asked;
  if (dtype == "q8_0" && tensor.shape.back() % 32) {
    plan.asHalves.push_back(tensor.name);
    return StoreFormat::F16;
  }
  return dtype == "f32"    ? StoreFormat::F32
         : dtype == "f16"  ? StoreFormat::F16
         : dtype == "q8_0" ? StoreFormat::Q8_0
                           : StoreFormat::BF16;
}

PlannedTensor divisorTensor(const ModelConfig &config) {
  std::vector<float> divisors = rotaryDivisors(config);
  PlannedTensor tensor;
  tensor.name = "rope_freqs.weight";
  tensor.literal.assign(reinterpret_cast<const char *>(divisors.data()), 4 * divisors.size());
  tensor.source.shape = {static_cast<int64_t>(divisors.size())};
  tensor.source.dtype = "F32";
  tensor.rows = tensor.source.shape[0];
  tensor.columns = 1;
  tensor.bytes = tensor.literal.size();
  return tensor;
}

std::vector<PlannedTensor> tensorsOf(const Checkpoint &base, const std::string &dtype, MergePlan &plan) {
  std::vector<PlannedTensor> result;
  bool folder = fs::is_directory(base.path());
  if (folder && !rotaryDivisors(base.config()).empty())
    result.push_back(divisorTensor(base.config()));
  std::map<std::string, StoredTensor> byName;
  std::vector<std::string> order;
  for (StoredFile &file : base.storedFiles())
    for (StoredTensor &tensor : file.tensors) {
      order.push_back(tensor.storedName);
      byName[tensor.storedName] = std::move(tensor);
    }
  if (folder) { // a checkpoint's order may be any; GGUF's usual one is that of the model
    order.clear();
    for (const TensorInfo &info : base.tensors())
      order.push_back(info.name);
  }
  for (const std::string &name : order) {
    PlannedTensor tensor;
    tensor.source = byName.at(name);
    tensor.name = folder ? ggufName(name) : name;
    tensor.rows = tensor.source.shape[0];
    tensor.columns = tensor.source.shape.size() == 2 ? tensor.source.shape[1] : 1;
    tensor.neighbours = name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight") ||
                        name.ends_with("q_proj.weight") || name.ends_with("k_proj.weight");
    if (!tensor.source.name.empty())
      tensor.format = formatOf(tensor.source, dtype, plan);
    std::string stored = tensor.format ? storeName(*tensor.format) : tensor.source.dtype;
    tensor.bytes = storedSize(stored, tensor.rows * tensor.columns);
    result.push_back(std::move(tensor));
  }
  return result;
}

} // namespace

MergePlan planGguf(const Checkpoint &base, const MergeOptions &options) {
  std::string dtype = options.dtype.empty() ? dtypeOf(base.config().dtype) : options.dtype;
  MergePlan plan;
  PlannedFile file;
  file.name = options.output.filename().string();
  GgufHead head;
  addMetadata(head, base, options, dtype);
  file.tensors = tensorsOf(base, options.dtype, plan);
  for (PlannedTensor &tensor : file.tensors) {
    std::string stored = tensor.format ? storeName(*tensor.format) : tensor.source.dtype;
    tensor.offset = head.addTensor(tensor.name, tensor.source.shape, findGgufType(stored)->id, tensor.bytes);
  }
  file.head = head.bytes();
  for (PlannedTensor &tensor : file.tensors)
    tensor.offset += file.head.size();
  file.bytes = file.head.size() + head.dataBytes();
  plan.files.push_back(std::move(file));
  return plan;
}

} // namespace mlora
