#include "ModelConfigParts.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <cmath>

namespace mlora {
namespace {

class Reader {
public:
  explicit Reader(const GgufFile &file) : file(file), where(file.path().string()) {}

  int64_t required(const std::string &key) const {
    if (auto value = file.integer("llama." + key))
      return *value;
    badInput(where + ": metadata key 'llama." + key + "' is missing");
  }
  int64_t optional(const std::string &key, int64_t otherwise) const {
    return file.integer("llama." + key).value_or(otherwise);
  }
  [[noreturn]] void refuse(const std::string &key, const std::string &message) const {
    badInput(where + ": metadata key '" + key + "': " + message);
  }

  const GgufFile &file;
  std::string where;
};

void checkArchitecture(const Reader &reader) {
  std::string name = reader.file.string("general.architecture").value_or("");
  if (name != "llama")
    reader.refuse("general.architecture",
                  name.empty() ? "is missing" : "'" + name + "' is an unknown architecture; llama is read");
  std::string type = reader.file.string("general.type").value_or("model");
  if (type != "model")
    reader.refuse("general.type", "'" + type + "'; a model is expected");
  if (reader.file.integer("split.count").value_or(1) > 1)
    reader.refuse("split.count", "files split into parts are not read: join them with gguf-split --merge");
  if (reader.optional("expert_count", 0) > 0)
    reader.refuse("llama.expert_count", "mixtures of experts are not supported");
}

void checkRope(const Reader &reader, const ModelConfig &config) {
  std::string type = reader.file.string("llama.rope.scaling.type").value_or("none");
  if (type != "none")
    reader.refuse("llama.rope.scaling.type", "'" + type +
                                                 "' is an unknown rope type; none, or the llama3 divisors in "
                                                 "rope_freqs.weight, are read");
  if (reader.file.number("llama.rope.scale_linear").value_or(1) != 1)
    reader.refuse("llama.rope.scale_linear", "linear scaling of positions is not supported");
  if (int64_t size = reader.optional("rope.dimension_count", config.headDim); size != config.headDim)
    reader.refuse("llama.rope.dimension_count", std::to_string(size) + " differs from the size of a head, " +
                                                    std::to_string(config.headDim));
  if (int64_t size = reader.optional("attention.value_length", config.headDim); size != config.headDim)
    reader.refuse("llama.attention.value_length", std::to_string(size) +
                                                      " differs from the size of a head, " +
                                                      std::to_string(config.headDim));
}

// llama3 scaling, already worked out for each frequency.
std::vector<double> frequencyDivisors(const Reader &reader, const ModelConfig &config) {
  const GgufTensor *tensor = reader.file.findTensor("rope_freqs.weight");
  if (!tensor)
    return {};
  std::vector<int64_t> expected = {config.headDim / 2};
  if (tensor->shape != expected)
    badInput(reader.where + ": tensor 'rope_freqs.weight' is " + shapeText(tensor->shape) + "; " +
             shapeText(expected) + " is expected");
  std::vector<float> values(static_cast<size_t>(expected[0]));
  reader.file.readRows(*tensor, 0, 1, values.data());
  if (!std::all_of(values.begin(), values.end(),
                   [](float value) { return std::isfinite(value) && value > 0; }))
    badInput(reader.where +
             ": tensor 'rope_freqs.weight': the divisors of the rotary frequencies must be positive");
  return {values.begin(), values.end()};
}

int64_t vocabulary(const Reader &reader) {
  const GgufTensor *embedding = reader.file.findTensor("token_embd.weight");
  int64_t rows = embedding && embedding->shape.size() == 2 ? embedding->shape[0] : 0;
  if (auto size = reader.file.integer("llama.vocab_size"))
    return *size;
  if (rows)
    return rows;
  if (auto *tokens = reader.file.strings("tokenizer.ggml.tokens"))
    return static_cast<int64_t>(tokens->size());
  reader.refuse("llama.vocab_size", "is missing, and so is the tensor 'token_embd.weight'");
}

// What most of the model's matrices are stored as, in config.json's words where it has one.
std::string storedType(const GgufFile &file) {
  std::map<std::string, uint64_t> values;
  for (const GgufTensor &tensor : file.tensors())
    if (tensor.shape.size() == 2 && tensor.name.starts_with("blk."))
      values[tensor.type->name] += tensor.bytes / tensor.type->blockBytes * tensor.type->blockValues;
  auto less = [](const auto &a, const auto &b) { return a.second < b.second; };
  auto most = std::max_element(values.begin(), values.end(), less);
  std::string name = most == values.end() ? "F32" : most->first;
  return name == "F32" ? "float32" : name == "F16" ? "float16" : name == "BF16" ? "bfloat16" : name;
}

} // namespace

ModelConfig ModelConfig::fromGguf(const GgufFile &file) {
  Reader reader(file);
  checkArchitecture(reader);
  ModelConfig config;
  config.vocabSize = vocabulary(reader);
  config.hiddenSize = reader.required("embedding_length");
  config.intermediateSize = reader.required("feed_forward_length");
  config.numLayers = reader.required("block_count");
  config.numHeads = reader.required("attention.head_count");
  config.numKeyValueHeads = reader.optional("attention.head_count_kv", config.numHeads);
  config.maxPositions = reader.required("context_length");
  config.rmsNormEps = file.number("llama.attention.layer_norm_rms_epsilon").value_or(0);
  config.ropeTheta = file.number("llama.rope.freq_base").value_or(10000);
  config.tiedHead = !file.findTensor("output.weight");
  config.dtype = storedType(file);
  config.bosToken = file.integer("tokenizer.ggml.bos_token_id");
  for (const char *key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    if (auto id = file.integer(key);
        id && std::find(config.eosTokens.begin(), config.eosTokens.end(), *id) == config.eosTokens.end())
      config.eosTokens.push_back(*id);

  completeConfig(config, file.integer("llama.attention.key_length"), reader.where);
  checkRope(reader, config);
  config.ropeDivisors = frequencyDivisors(reader, config);
  return config;
}

} // namespace mlora
