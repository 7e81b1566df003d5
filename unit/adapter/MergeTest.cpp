#include "mlora/Runtime/Adapter/Merge.h"
#include "../Expect.h"
#include "../TempFolder.h"
#include "Goldens.h"
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/Inspect.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Program/Bundle.h"

#include <cmath>

using namespace mlora;
using mlora::test::goldenAdapter;
using mlora::test::goldens;
using mlora::test::TempFolder;

namespace {

std::vector<float> values(const Checkpoint &checkpoint, const TensorInfo &info) {
  std::vector<float> all(info.shape[0] * (info.shape.size() == 2 ? info.shape[1] : 1));
  checkpoint.read(info.name, all);
  return all;
}

/// W + sum_i c · diag(s_i) · B_i · A_i, equation 4 as it is written, in f64.
std::vector<double> byDefinition(const std::vector<float> &weight, const Adapter &adapter, int64_t layer,
                                 const std::string &target) {
  std::vector<double> sum(weight.begin(), weight.end());
  for (int64_t i = 0; i < adapter.numBranches; ++i) {
    const AdapterTensor &a = adapter.tensor(layer, target, i, 'A'),
                        &b = adapter.tensor(layer, target, i, 'B');
    const float *s = adapter.hasScales() ? adapter.tensor(layer, target, i, 's').values.data() : nullptr;
    int64_t out = b.shape[0], rank = b.shape[1], in = a.shape[1];
    for (int64_t o = 0; o < out; ++o)
      for (int64_t r = 0; r < rank; ++r)
        for (int64_t x = 0; x < in; ++x)
          sum[o * in + x] +=
              adapter.scaling() * (s ? s[o] : 1) * double(b.values[o * rank + r]) * a.values[r * in + x];
  }
  return sum;
}

MergeOptions into(const std::filesystem::path &output, const char *dtype, int64_t blockValues = 1 << 20) {
  MergeOptions options;
  options.output = output;
  options.dtype = dtype;
  options.blockValues = blockValues;
  return options;
}

std::map<std::string, std::string> hashes(const std::filesystem::path &folder) {
  std::map<std::string, std::string> all;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    all[entry.path().filename().string()] = hashFileHex(entry.path());
  return all;
}

} // namespace

TEST(Merge, EqualsEquationFourInF64) {
  SKIP_WITHOUT_GOLDENS();
  for (std::string name : mlora::test::adapterCases)
    for (const char *dtype : {"f32", "bf16"}) {
      TempFolder folder;
      auto base = Checkpoint::open(goldens / name / "model");
      auto before = hashes(goldens / name / "model");
      Adapter adapter = goldenAdapter(name, base->config());
      MergeOptions options = into(folder / "merged", dtype, 1000);
      options.files = {{"tokenizer.json", "{}"}};
      int64_t done = 0, total = -1;
      options.progress = [&](int64_t a, int64_t b) {
        // 0 comes before anything is there.
        EXPECT_EQ(a == 0, std::filesystem::is_empty(folder.path()));
        done = a, total = b;
      };
      MergeReport report = merge(*base, adapter, options);
      EXPECT_EQ(done, total);
      EXPECT_EQ(hashes(goldens / name / "model"), before);
      EXPECT_EQ(report.projections.size(), adapter.targets.size());
      EXPECT_EQ(readFile(folder / "merged/tokenizer.json"), "{}");

      std::map<std::string, std::pair<int64_t, std::string>> adapted;
      for (int64_t layer = 0; layer < adapter.numLayers; ++layer)
        for (const std::string &target : adapter.targets)
          adapted[projectionPath(layer, target) + ".weight"] = {layer, target};
      auto merged = Checkpoint::open(folder / "merged");
      ASSERT_EQ(merged->tensors().size(), base->tensors().size());
      bool bfloat = std::string(dtype) == "bf16";
      EXPECT_EQ(merged->config().dtype, bfloat ? "bfloat16" : "float32");
      EXPECT_EQ(merged->config().tiedHead, base->config().tiedHead);
      for (const TensorInfo &info : base->tensors()) {
        std::vector<float> old = values(*base, info), now = values(*merged, info);
        auto place = adapted.find(info.name);
        std::vector<double> expected(old.begin(), old.end());
        if (place != adapted.end())
          expected = byDefinition(old, adapter, place->second.first, place->second.second);
        double largest = 0;
        for (double value : expected)
          largest = std::max(largest, std::abs(value));
        for (size_t i = 0; i < now.size(); ++i)
          ASSERT_NEAR(now[i], expected[i],
                      bfloat ? std::abs(expected[i]) / 256 + 2e-6 * largest : 1e-6 * largest)
              << name << " " << dtype << " " << info.name << " " << i;
      }
    }
}

TEST(Merge, ReportsWhatRoundingLeaves) {
  SKIP_WITHOUT_GOLDENS();
  TempFolder folder;
  auto base = Checkpoint::open(goldens / "packed/model");
  Adapter adapter = goldenAdapter("packed", base->config());
  MergeReport exact = merge(*base, adapter, into(folder / "a", "f32"));
  MergeReport coarse = merge(*base, adapter, into(folder / "b", "bf16"));
  for (auto &[name, tensor] : adapter.tensors)
    if (name.ends_with("B"))
      for (float &value : tensor.values)
        value /= 1000;
  MergeReport lost = merge(*base, adapter, into(folder / "c", "bf16"));
  for (size_t i = 0; i < exact.projections.size(); ++i) {
    EXPECT_GT(exact.projections[i].survived, 0.9999);
    EXPECT_GT(coarse.projections[i].survived, 0.9);
    EXPECT_LT(lost.projections[i].survived, coarse.projections[i].survived);
    EXPECT_LT(lost.projections[i].changed, coarse.projections[i].changed);
    EXPECT_NEAR(exact.projections[i].updateNorm / lost.projections[i].updateNorm, 1000, 1);
  }
  EXPECT_EQ(exact.toJson()["projections"].size(), 2u);
}

TEST(Merge, InterruptedKeepsWhatWasThereAndGoesOn) {
  SKIP_WITHOUT_GOLDENS();
  TempFolder folder;
  auto base = Checkpoint::open(goldens / "packed/model");
  Adapter adapter = goldenAdapter("packed", base->config());
  MergeOptions options = into(folder / "merged", "f32", 1000);
  merge(*base, adapter, options);
  auto before = hashes(folder / "merged");
  options.dtype = "bf16";
  options.progress = [](int64_t done, int64_t) {
    if (done > 0)
      throw Error(Status::Interrupted, "interrupted");
  };
  EXPECT_REFUSED(merge(*base, adapter, options), "interrupted");
  EXPECT_EQ(hashes(folder / "merged"), before);
  options.progress = {};
  merge(*base, adapter, options);
  EXPECT_EQ(Checkpoint::open(folder / "merged")->config().dtype, "bfloat16");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  // Any other failure leaves nothing.
  options.progress = [](int64_t done, int64_t) {
    if (done > 0)
      failed("some failure");
  };
  options.dtype = "f32";
  EXPECT_REFUSED(merge(*base, adapter, options), "some failure");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Merge, RefusesWhatWouldDamage) {
  SKIP_WITHOUT_GOLDENS();
  TempFolder folder;
  std::filesystem::copy(goldens / "packed/model", folder / "base");
  folder.file("base/tokenizer.json", "{\"a\": 1}");
  auto base = Checkpoint::open(folder / "base");
  Adapter adapter = goldenAdapter("packed", base->config());
  auto to = [&](const char *name, const char *dtype = "f32") {
    merge(*base, adapter, into(folder / name, dtype));
  };
  EXPECT_REFUSED(to("base"), "would be overwritten");
  EXPECT_REFUSED(to("base/"), "would be overwritten");
  EXPECT_REFUSED(to("."), "would be overwritten");
  EXPECT_REFUSED(to("x", "f8"), "dtype 'f8'");
  EXPECT_REFUSED(to("x", "q8_0"), "GGUF");
  folder.file("mine/thesis.tex", "");
  EXPECT_REFUSED(to("mine"), "thesis.tex");
  EXPECT_REFUSED(to("mine/thesis.tex"), "is a file");
  // Another program's model has the names that ours has.
  std::filesystem::copy(goldens / "packed/model", folder / "theirs");
  folder.file("tokenizer/tokenizer.json", "{}");
  folder.file("broken/model.safetensors", "no such thing");
  for (const char *name : {"theirs", "tokenizer", "broken"}) {
    auto before = hashes(folder / name);
    EXPECT_REFUSED(to(name), "no merge of mlora wrote");
    EXPECT_EQ(hashes(folder / name), before);
  }
  adapter.baseFingerprint = "00";
  EXPECT_REFUSED(to("x"), "another base");
  adapter.baseFingerprint = base->fingerprint();
  EXPECT_NO_THROW(to("x"));
  EXPECT_NO_THROW(to("x", "bf16")); // again: replaces its own
  std::filesystem::create_directory(folder / "empty");
  EXPECT_NO_THROW(to("empty"));
  EXPECT_EQ(readFile(folder / "x/tokenizer.json"), "{\"a\": 1}");
  EXPECT_EQ(Checkpoint::open(folder / "x")->config().dtype, "bfloat16");
  Adapter other = goldenAdapter("stories260k", ModelConfig::read(goldens / "stories260k/model"));
  EXPECT_REFUSED(merge(*base, other, into(folder / "y", "f32")), "5 layers, the model 3");
  EXPECT_FALSE(std::filesystem::exists(folder / "y"));
}

TEST(Merge, ConfigJsonIsReadBack) {
  ModelConfig config = ModelConfig::fromJson(
      R"({"model_type": "llama", "vocab_size": 32, "hidden_size": 8, "intermediate_size": 12,
      "num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 64, "rope_theta": 500000, "tie_word_embeddings": true,
      "bos_token_id": 1, "eos_token_id": [2, 3]})",
      "");
  auto back = [&] { return ModelConfig::fromJson(configJson(config, "bfloat16").dump(), "config.json"); };
  EXPECT_EQ(back().headDim, 64);
  EXPECT_EQ(back().dtype, "bfloat16");
  EXPECT_EQ(back().eosTokens, (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(back().tiedHead);
  EXPECT_FALSE(back().llama3);
  // Divisors as llama.cpp's converter writes them for Llama 3.1: the scaling is found again.
  for (int i = 0; i < 32; ++i) {
    double wavelength = 2 * M_PI / std::pow(500000.0, -i / 32.0), smooth = (8192 / wavelength - 1) / 3;
    config.ropeDivisors.push_back(static_cast<float>(wavelength < 2048   ? 1
                                                     : wavelength > 8192 ? 8
                                                                         : 1 / ((1 - smooth) / 8 + smooth)));
  }
  ASSERT_TRUE(back().llama3);
  EXPECT_EQ(back().llama3->originalContext, 8192);
  EXPECT_EQ(back().llama3->factor, 8);
  config.ropeDivisors[20] = 7;
  EXPECT_REFUSED(back(), "rope_freqs.weight");
}

TEST(Inspect, SaysWhatThereIs) {
  SKIP_WITHOUT_GOLDENS();
  TempFolder folder;
  auto checkpoint = inspect(goldens / "packed/model");
  EXPECT_EQ(checkpoint["kind"], "checkpoint");
  EXPECT_EQ(checkpoint["config"]["rope_type"], "llama3");
  EXPECT_EQ(checkpoint["fingerprint"], Checkpoint::open(goldens / "packed/model")->fingerprint());
  EXPECT_EQ(inspect(goldens / "packed/peft")["container"], "peft");
  EXPECT_EQ(inspect(goldens / "gguf-types/all-types.gguf")["tensors"].size(), 13u);
  EXPECT_EQ(inspect(goldens / "packed/batches.safetensors")["kind"], "safetensors");
  EXPECT_EQ(inspect(goldens / "packed/model/config.json")["kind"], "configuration");
  ModelConfig config = ModelConfig::read(goldens / "packed/model");
  writeNativeAdapter(folder.path(), goldenAdapter("packed", config));
  EXPECT_EQ(inspect(folder.path())["peft_rank"], 5);
  EXPECT_REFUSED(inspect(folder / "none"), "does not exist");
  EXPECT_REFUSED(inspect(goldens), "holds no checkpoint");

  folder.file("b/program.so", "machine code");
  auto manifest = [&](const std::string &hash, const std::string &object = "program.so") {
    return folder.file("b/manifest.json", "{\"format\": 1, \"kind\": \"train\", \"shared_object\": \"" +
                                              object + "\", \"shared_object_xxh3\": \"" + hash +
                                              "\", \"kernels\": [{}, {}]}");
  };
  manifest(hashHex("machine code"));
  EXPECT_EQ(inspect(folder / "b")["intact"], true);
  EXPECT_EQ(inspect(folder / "b")["kernels"], 2);
  Bundle::seal(folder / "b");
  EXPECT_EQ(inspect(folder / "b")["intact"], true);
  folder.file("b/manifest.xxh3", "00\n");
  EXPECT_EQ(inspect(folder / "b")["intact"], false);
  std::filesystem::remove(folder / "b/manifest.xxh3");
  EXPECT_EQ(inspect(manifest("00"))["intact"], false);
  EXPECT_REFUSED(inspect(manifest("00", "../x.so")), "no plain file name");
}
