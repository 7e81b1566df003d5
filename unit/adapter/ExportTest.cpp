// Adapters for other programs: what they load is the update that we trained.
#include "../Expect.h"
#include "../TempFolder.h"
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/Inspect.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <cmath>

using namespace mlora;
using mlora::test::TempFolder;

namespace {

ModelConfig model() {
  return ModelConfig::fromJson(
      R"({"model_type": "llama", "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8})",
      "");
}

Adapter trained() {
  Adapter adapter =
      initialAdapter(model(), {"multilora", 2, 3, 6, {"q_proj", "k_proj", "v_proj", "down_proj"}}, 7);
  float value = 0;
  for (auto &[name, tensor] : adapter.tensors)
    if (name.ends_with(".s"))
      for (float &s : tensor.values)
        s = std::sin(value += 1);
  return adapter;
}

/// b · a, [out, in], in f64.
std::vector<double> product(const std::vector<float> &b, const std::vector<float> &a, int64_t rank) {
  int64_t out = int64_t(b.size()) / rank, in = int64_t(a.size()) / rank;
  std::vector<double> result(size_t(out * in));
  for (int64_t o = 0; o < out; ++o)
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t i = 0; i < in; ++i)
        result[size_t(o * in + i)] += double(b[size_t(o * rank + r)]) * a[size_t(r * in + i)];
  return result;
}

/// c · Σ diag(s) B A, as the paper has it.
std::vector<double> update(const Adapter &adapter, int64_t layer, const std::string &target) {
  std::vector<double> sum;
  for (int64_t n = 0; n < adapter.numBranches; ++n) {
    std::vector<float> b = adapter.tensor(layer, target, n, 'B').values;
    for (size_t i = 0; i < b.size(); ++i)
      b[i] *= adapter.tensor(layer, target, n, 's').values[i / size_t(adapter.rank)];
    std::vector<double> part = product(b, adapter.tensor(layer, target, n, 'A').values, adapter.rank);
    sum.resize(part.size());
    for (size_t i = 0; i < part.size(); ++i)
      sum[i] += adapter.scaling() * part[i];
  }
  return sum;
}

void expectNear(const std::vector<double> &have, const std::vector<double> &want, const std::string &what) {
  ASSERT_EQ(have.size(), want.size()) << what;
  for (size_t i = 0; i < have.size(); ++i)
    ASSERT_NEAR(have[i], want[i], 1e-5) << what << " " << i;
}

} // namespace

TEST(Export, PeftHasTheWholeUpdateAtScaleOne) {
  TempFolder folder;
  Adapter adapter = trained();
  adapter.baseModel = "some/base";
  std::filesystem::create_directory(folder / "out");
  writePeftAdapter(folder / "out", *AdapterSource::of(adapter, model()), model(), exportedMetadata());
  nlohmann::json config = readJsonFile(folder / "out/adapter_config.json");
  EXPECT_EQ(config["r"], 6);
  EXPECT_EQ(config["lora_alpha"], 6);
  EXPECT_EQ(config["base_model_name_or_path"], "some/base");
  adapter.baseModel = "";
  std::filesystem::create_directory(folder / "unnamed");
  writePeftAdapter(folder / "unnamed", *AdapterSource::of(adapter, model()), model(), {}, "given/base");
  EXPECT_EQ(readJsonFile(folder / "unnamed/adapter_config.json")["base_model_name_or_path"], "given/base");
  SafetensorsFile file(folder / "out/adapter_model.safetensors");
  for (int64_t layer : {0, 1})
    for (const std::string &target : adapter.targets) {
      std::string prefix = "base_model.model." + projectionPath(layer, target);
      expectNear(product(file.floats(prefix + ".lora_B.weight"), file.floats(prefix + ".lora_A.weight"), 6),
                 update(adapter, layer, target), prefix);
    }
  EXPECT_NO_THROW(checkExportFolder(folder / "out"));
  folder.file("out/README.md", "mine");
  EXPECT_REFUSED(checkExportFolder(folder / "out"), "no export of mlora wrote");
}

// Different ranks, and a layer without: all are padded to one rank, whose scale is 1.
TEST(Export, UnevenPeftIsPadded) {
  TempFolder folder;
  folder.file("adapter_config.json",
              R"({"peft_type": "LORA", "r": 2, "lora_alpha": 8, "target_modules": ["q_proj",
    "v_proj"], "rank_pattern": {"layers.0.self_attn.v_proj": 1}, "use_rslora": false})");
  std::vector<float> values(64);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = std::cos(float(i));
  std::string prefix = "base_model.model.model.layers.";
  writeSafetensors(folder / "adapter_model.safetensors",
                   {{{prefix + "0.self_attn.q_proj.lora_A.weight", "F32", {2, 16}}, values.data()},
                    {{prefix + "0.self_attn.q_proj.lora_B.weight", "F32", {16, 2}}, values.data() + 7},
                    {{prefix + "0.self_attn.v_proj.lora_A.weight", "F32", {1, 16}}, values.data() + 3},
                    {{prefix + "0.self_attn.v_proj.lora_B.weight", "F32", {8, 1}}, values.data() + 5},
                    {{prefix + "1.self_attn.v_proj.lora_A.weight", "F32", {2, 16}}, values.data() + 1},
                    {{prefix + "1.self_attn.v_proj.lora_B.weight", "F32", {8, 2}}, values.data() + 2}});
  auto source = AdapterSource::open(folder.path(), model());
  EXPECT_EQ(source->rank(0, "v_proj"), 1);
  EXPECT_EQ(source->rank(1, "q_proj"), 0);
  std::filesystem::create_directory(folder / "out");
  writePeftAdapter(folder / "out", *source, model(), exportedMetadata());
  auto back = AdapterSource::open(folder / "out", model());
  for (auto [layer, target] : {std::pair{0, "q_proj"}, {0, "v_proj"}, {1, "v_proj"}}) {
    LowRank a = source->factors(layer, target), b = back->factors(layer, target);
    EXPECT_EQ(b.rank, 2);
    expectNear(product(b.b, b.a, b.rank), product(a.b, a.a, a.rank), target);
    double squares = 0;
    for (double value : product(a.b, a.a, a.rank))
      squares += value * value;
    EXPECT_NEAR(source->updateNorm(layer, target), std::sqrt(squares), 1e-4 * std::sqrt(squares));
  }
  LowRank none = back->factors(1, "q_proj");
  expectNear(product(none.b, none.a, none.rank), std::vector<double>(256), "absent");
  auto shown = inspect(folder.path());
  EXPECT_EQ(shown["vllm_max_lora_rank"], 8);
  EXPECT_EQ(shown["projections"]["v_proj"]["layers"], 2);
}

// What llama.cpp computes: rows of q and k in the order of neighbours, scale = alpha / rank.
TEST(Export, GgufAdapter) {
  TempFolder folder;
  Adapter adapter = trained();
  std::filesystem::path path = folder / "adapter.gguf";
  writeGgufAdapter(path, *AdapterSource::of(adapter, model()), model());
  GgufFile file(path);
  EXPECT_EQ(file.string("general.type"), "adapter");
  EXPECT_EQ(file.string("adapter.type"), "lora");
  EXPECT_EQ(file.number("adapter.lora.alpha"), 6);
  EXPECT_EQ(file.tensors().size(), 2u * 2 * 4);
  for (int64_t layer : {0, 1})
    for (const std::string &target : adapter.targets) {
      std::string name = ggufName(projectionPath(layer, target) + ".weight");
      const GgufTensor *a = file.findTensor(name + ".lora_a"), *b = file.findTensor(name + ".lora_b");
      ASSERT_TRUE(a && b) << name;
      auto [out, in] = projectionShape(model(), target);
      EXPECT_EQ(a->shape, (std::vector<int64_t>{6, in}));
      EXPECT_EQ(b->shape, (std::vector<int64_t>{out, 6}));
      std::vector<float> down(size_t(6 * in)), up(size_t(out * 6)), turned(up.size());
      file.readRows(*a, 0, 6, down.data());
      file.readRows(*b, 0, out, up.data());
      turned = up;
      if (target == "q_proj" || target == "k_proj")
        for (int64_t head = 0; head < out / 8; ++head)
          for (int64_t half = 0; half < 2; ++half) // HF's [heads, 2, 4] with the last two swapped
            for (int64_t j = 0; j < 4; ++j)
              std::copy_n(up.data() + (head * 8 + 2 * j + half) * 6, 6,
                          turned.data() + (head * 8 + half * 4 + j) * 6);
      expectNear(product(turned, down, 6), update(adapter, layer, target), name);
    }
  EXPECT_NO_THROW(checkExportFile(path));
  EXPECT_REFUSED(checkExportFile(folder.file("notes.gguf", "mine")), "not written by an export");
  EXPECT_EQ(inspect(path)["kind"], "gguf");
}

TEST(Export, OpensRealAdapters) {
  std::filesystem::path real = std::filesystem::path(MLORA_SHARED) / "data/adapters";
  if (!std::filesystem::exists(real))
    GTEST_SKIP() << real << " is absent";
  auto shown = inspect(real / "llama-3.2-1b-lora-r8");
  EXPECT_EQ(shown["rank"], 8);
  EXPECT_EQ(shown["vllm_max_lora_rank"], 8);
  EXPECT_EQ(shown["num_layers"], 16);
  EXPECT_GT(shown["projections"]["q_proj"]["update_norm"].get<double>(), 0);
  // Another architecture is described, and said to be unusable.
  EXPECT_TRUE(inspect(real / "distilgpt2-lora-r8").contains("not_usable_here"));
}
