#include "../Expect.h"
#include "../TempFolder.h"
#include "Goldens.h"
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <cmath>

using namespace mlora;
using mlora::test::goldens;
using mlora::test::TempFolder;

namespace {

ModelConfig tiny() {
  return ModelConfig::fromJson(
      R"({"model_type": "llama", "vocab_size": 32, "hidden_size": 8, "intermediate_size": 12,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1})",
      "");
}

Adapter fresh(uint64_t seed, const std::string &method = "multilora") {
  return initialAdapter(tiny(), {method, method == "lora" ? 1 : 2, 3, 6, {"v_proj", "q_proj", "down_proj"}},
                        seed);
}

void expectEqual(const Adapter &a, const Adapter &b) {
  EXPECT_EQ(a.method, b.method);
  EXPECT_EQ(a.numBranches, b.numBranches);
  EXPECT_EQ(a.rank, b.rank);
  EXPECT_EQ(a.alpha, b.alpha);
  EXPECT_EQ(a.numLayers, b.numLayers);
  EXPECT_EQ(a.targets, b.targets);
  EXPECT_EQ(a.baseModel, b.baseModel);
  EXPECT_EQ(a.baseFingerprint, b.baseFingerprint);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto &[name, tensor] : a.tensors) {
    EXPECT_EQ(tensor.shape, b.tensors.at(name).shape) << name;
    EXPECT_EQ(tensor.values, b.tensors.at(name).values) << name;
  }
}

} // namespace

TEST(Adapter, InitialisationIsKaimingAndChangesNothing) {
  Adapter adapter = fresh(1);
  checkAdapter(adapter, tiny(), "x");
  EXPECT_EQ(adapter.targets, (std::vector<std::string>{"q_proj", "v_proj", "down_proj"}));
  EXPECT_EQ(adapter.tensors.size(), 2u * 3 * 2 * 3);
  for (const auto &[name, tensor] : adapter.tensors) {
    double bound = 1 / std::sqrt(static_cast<double>(tensor.shape.back())), largest = 0;
    for (float value : tensor.values)
      largest = std::max(largest, std::abs(static_cast<double>(value)));
    if (name.ends_with(".s"))
      EXPECT_EQ(largest, 0) << name;
    else
      EXPECT_TRUE(largest <= bound && largest > 0.7 * bound) << name << " " << largest << " " << bound;
  }
  Adapter lora = fresh(1, "lora");
  for (const auto &[name, tensor] : lora.tensors)
    if (name.ends_with(".B")) {
      EXPECT_EQ(tensor.values, std::vector<float>(tensor.values.size())) << name;
    }
  EXPECT_EQ(lora.tensors.count("layers.0.q_proj.branch.0.s"), 0u);
}

TEST(Adapter, InitialisationDependsOnSeedAndName) {
  expectEqual(fresh(7), fresh(7));
  Adapter one = fresh(1), two = fresh(2);
  auto a = [](const Adapter &adapter, int64_t layer, int64_t branch) {
    return adapter.tensor(layer, "q_proj", branch, 'A').values;
  };
  EXPECT_NE(a(one, 0, 0), a(two, 0, 0));
  EXPECT_NE(a(one, 0, 0), a(one, 0, 1));
  EXPECT_NE(a(one, 0, 0), a(one, 1, 0));
  // Uniform: mean 0, variance bound² / 3.
  Adapter large = initialAdapter(tiny(), {"multilora", 1, 4000, 1, {"down_proj"}}, 3);
  double sum = 0, squares = 0;
  const std::vector<float> &values = large.tensor(1, "down_proj", 0, 'A').values;
  for (float value : values)
    sum += value, squares += double(value) * value;
  EXPECT_NEAR(sum / values.size(), 0, 0.003);
  EXPECT_NEAR(squares / values.size(), 1.0 / 12 / 3, 0.0004);
}

TEST(Adapter, RefusesTargetsThatMatchNothing) {
  EXPECT_REFUSED(orderedTargets({"q_proj", "w_proj"}), "'w_proj' matches nothing", "down_proj");
  EXPECT_REFUSED(orderedTargets({}), "no target modules");
  EXPECT_REFUSED(initialAdapter(tiny(), {"lora", 2, 1, 1, {"q_proj"}}, 0), "one branch");
  EXPECT_REFUSED(initialAdapter(tiny(), {"multilora", 2, 0, 1, {"q_proj"}}, 0), "rank 1");
}

TEST(AdapterFiles, NativeRoundTrip) {
  for (const char *method : {"multilora", "lora"}) {
    TempFolder folder;
    Adapter adapter = fresh(5, method);
    adapter.baseModel = "some/base";
    adapter.baseFingerprint = "0123";
    writeAdapter(folder.path(), adapter, tiny());
    for (const char *name : {"adapter_model.safetensors", "adapter_config.json", "mlora_adapter.safetensors",
                             "mlora_config.json"})
      EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
    expectEqual(readAdapter(folder.path(), tiny()), adapter);
    EXPECT_NO_THROW(checkBase(adapter, "0123", "x"));
    EXPECT_REFUSED(checkBase(adapter, "4567", "x"), "another base", "some/base");
  }
}

TEST(AdapterFiles, NativeRefusesWhatDoesNotFit) {
  TempFolder folder;
  EXPECT_REFUSED(readAdapter(folder.path(), tiny()), "holds no adapter");
  EXPECT_REFUSED(readAdapter(folder / "nothere", tiny()), "nothere: does not exist");
  EXPECT_REFUSED(AdapterSource::open(folder.file("x.safetensors", "")),
                 "x.safetensors: is a file: give its folder");
  Adapter adapter = fresh(1);
  auto read = [&](auto change) {
    Adapter changed = adapter;
    change(changed);
    writeNativeAdapter(folder.path(), changed);
    readAdapter(folder.path(), tiny());
  };
  EXPECT_NO_THROW(read([](Adapter &) {}));
  const std::string name = "layers.1.q_proj.branch.1.B";
  EXPECT_REFUSED(read([&](Adapter &a) { a.tensors.erase(name); }), name, "is missing");
  EXPECT_REFUSED(read([&](Adapter &a) {
                   a.tensors[name] = {{3, 8}, std::vector<float>(24)};
                 }),
                 name, "is [3, 8]", "[8, 3]");
  EXPECT_REFUSED(read([&](Adapter &a) { a.tensors["layers.2.q_proj.branch.1.B"] = a.tensors[name]; }),
                 "layers.2", "unexpected");
  EXPECT_REFUSED(read([&](Adapter &a) { a.numLayers = 3; }), "3 layers, the model 2");
  EXPECT_REFUSED(read([&](Adapter &a) { a.method = "dora"; }), "mlora_config.json", "'dora'");
  folder.file("mlora_config.json", "{\n \"format\": 2}");
  EXPECT_REFUSED(readAdapter(folder.path(), tiny()), "\"format\"", "2 is unknown");
  folder.file("mlora_config.json", "{\n \"format\": }");
  EXPECT_REFUSED(readAdapter(folder.path(), tiny()), "mlora_config.json:2:");
}

// The export is that of the reference implementation: the same tensors, the same configuration.
TEST(AdapterFiles, PeftExportEqualsGoldens) {
  SKIP_WITHOUT_GOLDENS();
  for (std::string name : mlora::test::adapterCases) {
    TempFolder folder;
    ModelConfig config = ModelConfig::read(goldens / name / "model");
    writePeftAdapter(folder.path(), mlora::test::goldenAdapter(name, config), config);
    SafetensorsFile ours(folder / "adapter_model.safetensors"),
        theirs(goldens / name / "peft/adapter_model.safetensors");
    EXPECT_EQ(ours.metadata(), theirs.metadata());
    ASSERT_EQ(ours.tensors().size(), theirs.tensors().size());
    for (const SafetensorsEntry &entry : theirs.tensors()) {
      ASSERT_EQ(ours.get(entry.name).shape, entry.shape) << entry.name;
      std::vector<float> a = ours.floats(entry.name), b = theirs.floats(entry.name);
      for (size_t i = 0; i < a.size(); ++i)
        ASSERT_NEAR(a[i], b[i], 2e-7 * std::abs(b[i])) << name << " " << entry.name << " " << i;
    }
    auto configOf = [](const std::filesystem::path &path) {
      nlohmann::json json = readJsonFile(path);
      std::vector<std::string> targets = json["target_modules"];
      std::sort(targets.begin(), targets.end());
      json["target_modules"] = targets;
      return json;
    };
    EXPECT_EQ(configOf(folder / "adapter_config.json"),
              configOf(goldens / name / "peft/adapter_config.json"));
  }
}

TEST(AdapterFiles, PeftIsReadAsOneBranch) {
  SKIP_WITHOUT_GOLDENS();
  ModelConfig config = ModelConfig::read(goldens / "llama3-tiny/model");
  Adapter adapter = readAdapter(goldens / "llama3-tiny/peft", config);
  EXPECT_EQ(adapter.method, "lora");
  EXPECT_EQ(adapter.numBranches, 1);
  EXPECT_EQ(adapter.rank, 6);
  EXPECT_EQ(adapter.scaling(), 1);
  EXPECT_EQ(adapter.targets.size(), 7u);
  SafetensorsFile file(goldens / "llama3-tiny/peft/adapter_model.safetensors");
  EXPECT_EQ(adapter.tensor(2, "up_proj", 0, 'B').values,
            file.floats("base_model.model.model.layers.2.mlp.up_proj.lora_B.weight"));
  EXPECT_REFUSED(readAdapter(goldens / "packed/peft", config), "adapter_model.safetensors");
}

namespace {

/// A hand-made PEFT adapter on q_proj and v_proj of layer 0 of the tiny model, ranks 2 and 1.
struct PeftCase {
  nlohmann::json config = nlohmann::json::parse(
      R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"],
    "rank_pattern": {"v_proj": 1}, "alpha_pattern": {}, "use_rslora": false})");
  std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>> tensors = {
      {"q_proj.lora_A.weight", {{2, 8}, std::vector<float>(16, 1)}},
      {"q_proj.lora_B.weight", {{8, 2}, std::vector<float>(16, 2)}},
      {"v_proj.lora_A.weight", {{1, 8}, std::vector<float>(8, 3)}},
      {"v_proj.lora_B.weight", {{4, 1}, std::vector<float>(4, 4)}}};

  std::string text = {}; ///< in the place of config
  Adapter read() const {
    TempFolder folder;
    folder.file("adapter_config.json", text.empty() ? config.dump() : text);
    std::vector<SafetensorsValue> values;
    for (const auto &[name, tensor] : tensors)
      values.push_back(
          {{"base_model.model.model.layers.0.self_attn." + name, "F32", tensor.first}, tensor.second.data()});
    writeSafetensors(folder / "adapter_model.safetensors", values);
    return readAdapter(folder.path(), tiny());
  }
};

} // namespace

// PEFT takes the first key of the file that matches.
TEST(AdapterFiles, PeftPatternsThatOverlap) {
  auto scalingOfQ = [](const char *patterns) {
    PeftCase peft;
    RowJson config = RowJson::parse(peft.config.dump());
    config["alpha_pattern"] = RowJson::parse(patterns);
    peft.text = config.dump();
    Adapter adapter = peft.read();
    return adapter.scaling() * adapter.tensor(0, "q_proj", 0, 'B').values[0] / 2;
  };
  EXPECT_EQ(scalingOfQ(R"({"layers.0.self_attn.q_proj": 6, "q_proj": 10})"), 3);
  EXPECT_EQ(scalingOfQ(R"({"q_proj": 10, "layers.0.self_attn.q_proj": 6})"), 5);
  PeftCase peft;
  peft.config["layer_replication"] = {{0, 1}, {0, 1}};
  EXPECT_REFUSED(peft.read(), "layer_replication", "repeated");
}

TEST(AdapterFiles, ShapesFitOneAnotherWithoutAModel) {
  Adapter adapter;
  adapter.method = "multilora";
  adapter.numBranches = 1;
  adapter.rank = 2;
  adapter.numLayers = 1;
  adapter.targets = {"q_proj"};
  auto set = [&](char part, std::vector<int64_t> shape) {
    adapter.tensors[adapterTensorName(0, "q_proj", 0, part)] = {std::move(shape), {}};
  };
  set('A', {2, 8}), set('B', {6, 2}), set('s', {6});
  checkAdapter(adapter, "f");
  set('s', {1});
  EXPECT_REFUSED(checkAdapter(adapter, "f"), "layers.0.q_proj.branch.0.s", "does not fit");
  set('s', {6}), set('B', {6, 3});
  EXPECT_REFUSED(checkAdapter(adapter, "f"), "layers.0.q_proj.branch.0.B");
  set('B', {6, 2});
  adapter.numBranches = int64_t(1) << 40;
  EXPECT_REFUSED(checkAdapter(adapter, "f"), "holds 3 tensors", "1099511627776 branches");
}

TEST(AdapterFiles, PeftPatternsArePaddedAndFolded) {
  PeftCase peft;
  Adapter adapter = peft.read();
  EXPECT_EQ(adapter.rank, 2);
  EXPECT_EQ(adapter.scaling(), 2); // q: 4 / 2
  EXPECT_EQ(adapter.tensor(0, "q_proj", 0, 'B').values, std::vector<float>(16, 2));
  // v: alpha / r is 4, twice q's; its second row is padding
  std::vector<float> a(16), b(8);
  std::fill_n(a.begin(), 8, 3.0f);
  for (int row = 0; row < 4; ++row)
    b[row * 2] = 8;
  EXPECT_EQ(adapter.tensor(0, "v_proj", 0, 'A').values, a);
  EXPECT_EQ(adapter.tensor(0, "v_proj", 0, 'B').values, b);
  EXPECT_EQ(adapter.tensor(1, "q_proj", 0, 'A').values, std::vector<float>(16));
  peft.config["use_rslora"] = true;
  EXPECT_NEAR(peft.read().scaling(), 4 / std::sqrt(2.0), 1e-12);
}

TEST(AdapterFiles, PeftRefusesWhatHasNoSuchForm) {
  auto with = [](const char *key, nlohmann::json value) {
    PeftCase peft;
    peft.config[key] = value;
    peft.read();
  };
  EXPECT_REFUSED(with("use_dora", true), "use_dora");
  EXPECT_REFUSED(with("bias", "all"), "biases");
  EXPECT_REFUSED(with("peft_type", "IA3"), "'IA3'");
  EXPECT_REFUSED(with("modules_to_save", {"lm_head"}), "modules_to_save");
  EXPECT_REFUSED(with("init_lora_weights", "pissa_niter_4"), "pissa_niter_4", "changes the base's weights");
  EXPECT_REFUSED(with("init_lora_weights", "olora"), "olora");
  EXPECT_REFUSED(with("alora_invocation_tokens", {1, 2}), "alora_invocation_tokens");
  EXPECT_NO_THROW(with("alora_invocation_tokens", nullptr));
  for (nlohmann::json init : {nlohmann::json(true), nlohmann::json(false), nlohmann::json("gaussian"),
                              nlohmann::json("eva"), nlohmann::json("orthogonal"), nlohmann::json()})
    EXPECT_NO_THROW(with("init_lora_weights", init));
  EXPECT_REFUSED(with("r", 3), "with r = 3");
  EXPECT_REFUSED(with("rank_pattern", {{"v_(", 1}}), "no regular expression");
  EXPECT_REFUSED(with("rank_pattern", {{"self_attn.v_proj", 2}, {"v_.*", 1}}), "with r = 2"); // the first
  EXPECT_REFUSED(with("rank_pattern", {{"([a-z._0-9]+)+[A-Z]", 1}}), "too costly");
  EXPECT_NO_THROW(with("rank_pattern", {{"^model.layers.0.self_attn.v_proj", 1}}));
  EXPECT_NO_THROW(with("rank_pattern", {{"v_.*", 1}}));
  PeftCase half;
  half.tensors.erase("v_proj.lora_A.weight");
  EXPECT_REFUSED(half.read(), "v_proj.lora_B.weight", "unexpected");
  PeftCase none;
  none.tensors.clear();
  EXPECT_REFUSED(none.read(), "holds no lora_A");
}

TEST(AdapterFiles, VllmRank) {
  EXPECT_EQ(vllmMaxLoraRank(1), 1);
  EXPECT_EQ(vllmMaxLoraRank(96), 128);
  EXPECT_EQ(vllmMaxLoraRank(512), 512);
  EXPECT_EQ(vllmMaxLoraRank(513), 0);
}

TEST(AdapterFiles, LoraBecomesOneBranchWithScalings) {
  Adapter lora = fresh(3, "lora");
  lora.tensors.at("layers.1.q_proj.branch.0.B").values[5] = 2;
  Adapter multi = asMultiLora(lora);
  EXPECT_EQ(multi.method, "multilora");
  EXPECT_EQ(multi.numBranches, 1);
  checkAdapter(multi, tiny(), "x");
  auto a = AdapterSource::of(lora, tiny()), b = AdapterSource::of(multi, tiny());
  for (const std::string &target : lora.targets) {
    EXPECT_EQ(a->factors(1, target).a, b->factors(1, target).a);
    EXPECT_EQ(a->factors(1, target).b, b->factors(1, target).b);
  }
  expectEqual(asMultiLora(fresh(4)), fresh(4));
}
