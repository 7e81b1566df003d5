#include "mlora/Runtime/Model/Checkpoint.h"
#include "../Expect.h"
#include "../TempFolder.h"
#include "GgufBuilder.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

using namespace mlora;
using mlora::test::GgufBuilder;
using mlora::test::TempFolder;
using nlohmann::json;

namespace {

const char *configText =
    R"({"model_type": "llama", "vocab_size": 32, "hidden_size": 8, "intermediate_size": 12,
  "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": true})";

/// Tensors of a tiny model by name, to be spoilt before they are written.
struct Model {
  struct Tensor {
    std::string dtype;
    std::vector<int64_t> shape;
    std::vector<float> values;
  };
  json config = json::parse(configText);
  std::map<std::string, Tensor> tensors;

  explicit Model(bool tied = true) {
    config["tie_word_embeddings"] = tied;
    float next = 0;
    for (const ModelTensor &tensor : modelTensors(ModelConfig::fromJson(config.dump(), "")))
      add(tensor.name, tensor.shape, next++);
  }
  void add(const std::string &name, std::vector<int64_t> shape, float value) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    std::vector<float> values(count);
    for (int64_t i = 0; i < count; ++i)
      values[i] = value + static_cast<float>(i) / 1024; // exact in f32; small ones in bf16
    tensors[name] = {"F32", std::move(shape), std::move(values)};
  }

  void write(const std::filesystem::path &path,
             const std::function<bool(const std::string &)> &select) const {
    std::vector<SafetensorsValue> list;
    std::map<std::string, std::vector<uint16_t>> rounded;
    for (const auto &[name, tensor] : tensors) {
      if (!select(name))
        continue;
      const void *data = tensor.values.data();
      if (tensor.dtype == "BF16") {
        rounded[name].resize(tensor.values.size());
        floatsToBfloats(tensor.values.data(), tensor.values.size(), rounded[name].data());
        data = rounded[name].data();
      }
      list.push_back({{name, tensor.dtype, tensor.shape}, data});
    }
    writeSafetensors(path, list);
  }
  std::unique_ptr<Checkpoint> open(const TempFolder &folder) const {
    folder.file("config.json", config.dump());
    write(folder / "model.safetensors", [](auto &) { return true; });
    return Checkpoint::open(folder.path());
  }
  std::unique_ptr<Checkpoint> open() const {
    TempFolder folder;
    return open(folder);
  }
};

const std::string down = "model.layers.1.mlp.down_proj.weight";

std::vector<float> valuesOf(const Checkpoint &checkpoint, const std::string &name) {
  for (const TensorInfo &info : checkpoint.tensors())
    if (info.name == name) {
      std::vector<float> values(info.shape[0] * (info.shape.size() == 2 ? info.shape[1] : 1));
      checkpoint.read(name, values);
      return values;
    }
  ADD_FAILURE() << name;
  return {};
}

} // namespace

TEST(Checkpoint, ReadsEveryTensor) {
  for (bool tied : {true, false}) {
    Model model(tied);
    auto checkpoint = model.open();
    EXPECT_EQ(checkpoint->tensors().size(), tied ? 20u : 21u);
    EXPECT_EQ(checkpoint->tensors().front().name, "model.embed_tokens.weight");
    for (const TensorInfo &info : checkpoint->tensors())
      EXPECT_EQ(valuesOf(*checkpoint, info.name), model.tensors[info.name].values) << info.name;
    std::vector<float> rows(2 * 12), &all = model.tensors[down].values;
    checkpoint->readRows(down, 3, 2, rows);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), all.begin() + 3 * 12));
    std::vector<float> two(2);
    checkpoint->readRows("model.norm.weight", 5, 2, two);
    EXPECT_EQ(two[1], model.tensors["model.norm.weight"].values[6]);
    EXPECT_REFUSED(checkpoint->readRows(down, 7, 2, rows), "rows 7 to 9", "[8, 12]");
    EXPECT_REFUSED(checkpoint->read("x", rows), "no tensor 'x'");
  }
}

TEST(Checkpoint, StoredTypes) {
  Model model;
  model.tensors[down].dtype = "BF16";
  auto checkpoint = model.open();
  std::vector<float> values = valuesOf(*checkpoint, down), &exact = model.tensors[down].values;
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(values[i], bfloatToFloat(floatToBfloat(exact[i])));
  model.tensors[down].dtype = "I32";
  EXPECT_REFUSED(model.open(), down, "dtype I32", "model.safetensors");
}

TEST(Checkpoint, MissingUnexpectedMisshaped) {
  Model model;
  model.tensors.erase(down);
  EXPECT_REFUSED(model.open(), down, "is missing", "model.safetensors");
  model.add(down, {12, 8}, 0);
  EXPECT_REFUSED(model.open(), down, "is [12, 8]", "implies [8, 12]");
  model.add(down, {8, 12}, 0);
  model.add("model.layers.0.self_attn.rotary_emb.inv_freq", {2}, 0);
  EXPECT_NO_THROW(model.open());
  model.add("model.layers.0.self_attn.q_proj.bias", {8}, 0);
  EXPECT_REFUSED(model.open(), "'model.layers.0.self_attn.q_proj.bias' is unexpected", "model.safetensors");
  Model deeper;
  deeper.config["num_hidden_layers"] = 1;
  EXPECT_REFUSED(deeper.open(), "model.layers.1", "is unexpected");
  EXPECT_REFUSED(Checkpoint::open("/nowhere"), "/nowhere", "does not exist");
  TempFolder empty;
  empty.file("config.json", configText);
  EXPECT_REFUSED(Checkpoint::open(empty.path()), "neither model.safetensors nor");
  empty.file("pytorch_model.bin", "");
  EXPECT_REFUSED(Checkpoint::open(empty.path()), "pickled");
}

TEST(Checkpoint, TiedHead) {
  Model model;
  model.add("lm_head.weight", {32, 8}, 0); // the embedding's values
  EXPECT_EQ(model.open()->tensors().size(), 20u);
  model.tensors["lm_head.weight"].values[100] += 1;
  EXPECT_REFUSED(model.open(), "lm_head.weight", "tie_word_embeddings");
  Model untied(false);
  untied.tensors.erase("lm_head.weight");
  EXPECT_REFUSED(untied.open(), "'lm_head.weight' is missing");
}

TEST(Checkpoint, Shards) {
  Model model;
  TempFolder folder;
  folder.file("config.json", model.config.dump());
  auto inFirst = [](const std::string &name) { return name < "model.layers.1"; };
  json index;
  for (const auto &[name, tensor] : model.tensors)
    index["weight_map"][name] = inFirst(name) ? "a.safetensors" : "b.safetensors";
  model.write(folder / "a.safetensors", inFirst);
  model.write(folder / "b.safetensors", [&](const std::string &name) { return !inFirst(name); });
  auto open = [&] {
    folder.file("model.safetensors.index.json", index.dump());
    return Checkpoint::open(folder.path());
  };
  auto sharded = open();
  for (const TensorInfo &info : sharded->tensors())
    EXPECT_EQ(valuesOf(*sharded, info.name), model.tensors[info.name].values);
  EXPECT_EQ(sharded->fingerprint(), model.open()->fingerprint());

  index["weight_map"][down] = "a.safetensors";
  EXPECT_REFUSED(open(), "a.safetensors", down, "is missing");
  for (const char *name : {"../a.safetensors", "/etc/a.safetensors", "a.bin", "x/a.safetensors", ".."}) {
    index["weight_map"][down] = name;
    EXPECT_REFUSED(open(), name, "is no name of a safetensors file");
  }
  index["weight_map"][down] = 1;
  EXPECT_REFUSED(open(), "a string is expected");
  index["weight_map"][down] = "c.safetensors";
  EXPECT_REFUSED(open(), "c.safetensors");
  model.write(folder / "c.safetensors", [](const std::string &name) { return name == down; });
  EXPECT_REFUSED(open(), "is also in");
}

TEST(Checkpoint, FingerprintIsOfTheContent) {
  Model model;
  std::string print = model.open()->fingerprint();
  EXPECT_EQ(print.size(), 32u);
  EXPECT_EQ(model.open()->fingerprint(), print);
  model.tensors[down].values[5] += 1;
  EXPECT_NE(model.open()->fingerprint(), print);
}

namespace {

/// The tiny model as GGUF, f32, q and k permuted to neighbours.
GgufBuilder gguf(const Model &model) {
  GgufBuilder builder;
  builder.string("general.architecture", "llama")
      .integer("llama.context_length", 64)
      .integer("llama.embedding_length", 8);
  builder.integer("llama.block_count", 2)
      .integer("llama.feed_forward_length", 12)
      .integer("llama.attention.head_count", 2);
  builder.integer("llama.attention.head_count_kv", 1).real("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  static const std::pair<const char *, const char *> names[] = {{"model.embed_tokens", "token_embd"},
                                                                {"model.norm", "output_norm"},
                                                                {"lm_head", "output"},
                                                                {"model.layers", "blk"},
                                                                {"input_layernorm", "attn_norm"},
                                                                {"self_attn.q_proj", "attn_q"},
                                                                {"self_attn.k_proj", "attn_k"},
                                                                {"self_attn.v_proj", "attn_v"},
                                                                {"self_attn.o_proj", "attn_output"},
                                                                {"post_attention_layernorm", "ffn_norm"},
                                                                {"mlp.gate_proj", "ffn_gate"},
                                                                {"mlp.up_proj", "ffn_up"},
                                                                {"mlp.down_proj", "ffn_down"}};
  for (const auto &[hf, tensor] : model.tensors) {
    std::string name = hf;
    for (auto [from, to] : names)
      if (size_t at = name.find(from); at != std::string::npos)
        name.replace(at, std::strlen(from), to);
    std::vector<float> values = tensor.values;
    if (name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight")) {
      // [heads, 2, d/2, in] to [heads, d/2, 2, in], d = 4
      for (int64_t row = 0; row < tensor.shape[0]; ++row) {
        int64_t head = row / 4, half = row % 4 / 2, j = row % 2;
        std::copy_n(tensor.values.begin() + row * 8, 8, values.begin() + (head * 4 + j * 2 + half) * 8);
      }
    }
    builder.floats(name, {tensor.shape.begin(), tensor.shape.end()}, values);
  }
  return builder;
}

std::unique_ptr<Checkpoint> open(const GgufBuilder &builder) {
  TempFolder folder;
  return Checkpoint::open(folder.file("m.gguf", builder.bytes()));
}

} // namespace

TEST(Checkpoint, GgufIsSeenAsHuggingFace) {
  for (bool tied : {true, false}) {
    Model model(tied);
    auto checkpoint = open(gguf(model));
    EXPECT_EQ(checkpoint->config().tiedHead, tied);
    EXPECT_EQ(checkpoint->tensors().size(), tied ? 20u : 21u);
    for (const TensorInfo &info : checkpoint->tensors())
      EXPECT_EQ(valuesOf(*checkpoint, info.name), model.tensors[info.name].values) << info.name;
    std::vector<float> rows(3 * 8);
    const std::string query = "model.layers.1.self_attn.q_proj.weight";
    checkpoint->readRows(query, 2, 3, rows); // across two heads
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), model.tensors[query].values.begin() + 2 * 8));
  }
}

TEST(Checkpoint, GgufMissingUnexpectedMisshaped) {
  Model model;
  EXPECT_REFUSED(open(gguf(model).floats("blk.0.attn_q.bias", {8}, std::vector<float>(8))),
                 "blk.0.attn_q.bias", "unexpected");
  EXPECT_NO_THROW(open(gguf(model).floats("rope_freqs.weight", {2}, {1, 1})));
  model.tensors.erase(down);
  EXPECT_REFUSED(open(gguf(model)), "m.gguf", "'blk.1.ffn_down.weight' is missing");
  model.add(down, {12, 8}, 0);
  EXPECT_REFUSED(open(gguf(model)), "'blk.1.ffn_down.weight' is [12, 8]", "implies [8, 12]");
}

TEST(Checkpoint, OpensGoldens) {
  std::filesystem::path goldens = std::filesystem::path(MLORA_SHARED) / "data/goldens";
  if (!std::filesystem::exists(goldens))
    GTEST_SKIP() << goldens << " is absent";
  for (const char *name : {"stories260k", "llama3-tiny", "packed"}) {
    auto checkpoint = Checkpoint::open(goldens / name / "model");
    for (const TensorInfo &info : checkpoint->tensors())
      EXPECT_EQ(valuesOf(*checkpoint, info.name),
                SafetensorsFile(goldens / name / "model/model.safetensors").floats(info.name));
  }
}
