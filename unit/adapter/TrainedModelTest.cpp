// Merging what method=ft saved: every weight of a base, trained, in the base's layout.
#include "../Expect.h"
#include "../TempFolder.h"
#include "SyntheticBase.h"
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/Safetensors.h"
#include "mlora/Runtime/Model/SyntheticCheckpoint.h"

#include <cmath>
#include <deque>

namespace fs = std::filesystem;
using namespace mlora;
using namespace mlora::test;

namespace {

using Weights = std::map<std::string, std::vector<float>>;

/// A base in three shards of bf16, and weights that lie about `distance` (of a weight's own size) from its
/// own.
struct Trained {
  TempFolder folder;
  std::unique_ptr<Checkpoint> base;
  Weights weights;

  explicit Trained(double distance = 0.05, std::string config = configuration) {
    writeSyntheticCheckpoint(config, folder / "base", {3, "BF16", 5});
    base = Checkpoint::open(folder / "base");
    uint64_t state = 7;
    for (const TensorInfo &info : base->tensors()) {
      std::vector<float> values = valuesOf(*base, info);
      for (float &value : values) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        value += float(distance * (double(state >> 40) * 0x1p-23 - 1) * (info.shape.size() == 1 ? 1 : 0.02));
      }
      weights[info.name] = std::move(values);
    }
  }

  /// As method=ft saves them.
  fs::path save(const std::string &name,
                std::map<std::string, std::string> metadata = {{"format", "pt"}}) const {
    fs::create_directories(folder / name);
    std::vector<SafetensorsValue> values;
    for (const TensorInfo &info : base->tensors())
      if (weights.count(info.name))
        values.push_back({{info.name, "F32", info.shape}, weights.at(info.name).data()});
    writeSafetensors(folder / (name + "/model.safetensors"), std::move(values), metadata);
    writeModelFiles(folder / name, *base, "float32", {});
    return folder / name;
  }

  MergeOptions into(const std::string &name, const std::string &dtype = "") const {
    MergeOptions options = mergeInto(folder.path(), name, dtype);
    options.tokenizer = {{"tokenizer.ggml.model", std::string("none")}};
    return options;
  }
};

const MergedProjection &of(const MergeReport &report, const std::string &name) {
  for (const MergedProjection &projection : report.projections)
    if (projection.name == name)
      return projection;
  failed("the report has no " + name);
}

} // namespace

TEST(TrainedModel, IsStoredRoundedOnceInTheBasesLayout) {
  Trained test;
  for (auto &[name, values] : test.weights)
    values[3] = 1e-9f; // far below W: W + (W_ft - W) is another number
  auto trained = Checkpoint::open(test.save("trained"));
  auto before = contents(test.folder / "trained");
  for (const char *dtype : {"", "f32", "f16"}) {
    MergeReport report = merge(*test.base, *trained, test.into("merged", dtype));
    EXPECT_EQ(report.projections.size(), 12u);
    EXPECT_EQ(report.layers.size(), 3u * 9 + 3);
    auto merged = Checkpoint::open(test.folder / "merged");
    ASSERT_NO_FATAL_FAILURE(expectSameLayout(*merged, *test.base));
    EXPECT_EQ(readJsonFile(test.folder / "merged/config.json")["a_key_of_theirs"], 7);
    for (const TensorInfo &info : merged->tensors()) {
      std::vector<float> have = valuesOf(*merged, info), want = test.weights.at(info.name);
      for (float &value : want)
        value = info.dtype == "BF16"  ? bfloatToFloat(floatToBfloat(value))
                : info.dtype == "F16" ? halfToFloat(floatToHalf(value))
                                      : value;
      ASSERT_EQ(have, want) << info.name << " " << dtype;
    }
  }
  EXPECT_EQ(contents(test.folder / "trained"), before);
}

TEST(TrainedModel, ReportSaysWhatSurvivedOfEveryKind) {
  Trained small(2e-3);
  auto trained = Checkpoint::open(small.save("trained"));
  MergeReport nearest = merge(*small.base, *trained, small.into("a"));
  // By definition, in f64.
  double update = 0, lost = 0;
  for (const TensorInfo &info : small.base->tensors()) {
    if (!info.name.ends_with("up_proj.weight"))
      continue;
    std::vector<float> old = valuesOf(*small.base, info), now = small.weights.at(info.name);
    for (size_t i = 0; i < old.size(); ++i) {
      double delta = double(now[i]) - old[i], moved = double(bfloatToFloat(floatToBfloat(now[i]))) - old[i];
      update += delta * delta;
      lost += (moved - delta) * (moved - delta);
    }
  }
  EXPECT_NEAR(of(nearest, "up_proj").updateNorm, std::sqrt(update), 1e-4 * std::sqrt(update));
  EXPECT_NEAR(of(nearest, "up_proj").survived, 1 - std::sqrt(lost / update), 1e-4);
  for (const char *kind : {"embed_tokens", "q_proj", "down_proj", "input_layernorm", "norm", "lm_head"}) {
    EXPECT_GT(of(nearest, kind).updateNorm, 0) << kind;
    EXPECT_LT(of(nearest, kind).survived, 0.9) << kind;
  }
  EXPECT_EQ(nearest.toJson()["layers"].size(), 3u);
  EXPECT_EQ(nearest.toJson()["layers"][2].size(), 9u);
  EXPECT_TRUE(nearest.toJson()["projections"].contains("lm_head"));
  EXPECT_EQ(of(merge(*small.base, *trained, small.into("b", "f32")), "lm_head").survived, 1);
  MergeOptions chance = small.into("c");
  chance.stochastic = true;
  MergeReport random = merge(*small.base, *trained, chance);
  EXPECT_NEAR(of(random, "up_proj").inMean, 1, 0.1);
  auto first = contents(small.folder / "c");
  chance.threads = 3;
  chance.blockValues = 64 * 7;
  merge(*small.base, *trained, chance);
  EXPECT_EQ(contents(small.folder / "c"), first);
}

// Rows of q and k change places between the containers.
TEST(TrainedModel, GgufHoldsTheSameWeights) {
  Trained test;
  auto trained = Checkpoint::open(test.save("trained"));
  for (const char *dtype : {"f32", "bf16", "q8_0"}) {
    merge(*test.base, *trained, test.into("merged.gguf", dtype));
    auto merged = Checkpoint::open(test.folder / "merged.gguf");
    auto expectNear = [&](const Checkpoint &have, const Weights &want) {
      for (const TensorInfo &info : have.tensors()) {
        std::vector<float> values = valuesOf(have, info);
        double unit = info.dtype == "Q8_0" ? 0.04 / 250 : 0;
        for (size_t i = 0; i < values.size(); ++i) {
          double wanted = want.at(info.name)[i], relative = info.dtype == "BF16" ? 1.0 / 256 : 0;
          ASSERT_NEAR(values[i], wanted, unit + relative * std::abs(wanted))
              << dtype << " " << info.name << " " << i;
        }
      }
    };
    expectNear(*merged, test.weights);
    // A base in GGUF: what was trained from it is a folder, and is merged to both.
    Trained again;
    again.base = Checkpoint::open(test.folder / "merged.gguf");
    auto second = Checkpoint::open(again.save("trained"));
    merge(*again.base, *second, again.into("again.gguf"));
    expectNear(*Checkpoint::open(again.folder / "again.gguf"), again.weights);
    merge(*again.base, *second, again.into("again", "f32"));
    expectNear(*Checkpoint::open(again.folder / "again"), again.weights);
  }
}

// Some checkpoints hold a tied head all the same: it stays the embedding's equal, by chance too.
TEST(TrainedModel, ATiedHeadThatIsStoredStaysTied) {
  std::string tied = configuration;
  tied.replace(tied.find("\"tie_word_embeddings\": false"), 28, "\"tie_word_embeddings\": true");
  Trained test(0.05, tied);
  fs::create_directory(test.folder / "both");
  std::deque<std::vector<float>> data;
  std::vector<SafetensorsValue> values;
  for (const TensorInfo &info : test.base->tensors()) {
    data.push_back(valuesOf(*test.base, info));
    values.push_back({{info.name, "F32", info.shape}, data.back().data()});
    if (info.name == "model.embed_tokens.weight")
      values.push_back({{"lm_head.weight", "F32", info.shape}, data.back().data()});
  }
  writeSafetensors(test.folder / "both/model.safetensors", std::move(values));
  writeModelFiles(test.folder / "both", *test.base, "float32", {});
  auto base = Checkpoint::open(test.folder / "both"), trained = Checkpoint::open(test.save("trained"));
  MergeOptions options = test.into("merged", "bf16");
  options.stochastic = true;
  MergeReport report = merge(*base, *trained, options);
  EXPECT_EQ(of(report, "lm_head").survived, of(report, "embed_tokens").survived);
  SafetensorsFile file(test.folder / "merged/model.safetensors");
  EXPECT_EQ(file.floats("lm_head.weight"), file.floats("model.embed_tokens.weight"));
  EXPECT_TRUE(Checkpoint::open(test.folder / "merged")->config().tiedHead);
}

TEST(TrainedModel, AnInterruptedMergeGoesOnUnlessItWasTrainedFurther) {
  Trained test;
  auto trained = Checkpoint::open(test.save("trained"));
  MergeOptions options = test.into("merged");
  options.threads = 1;
  merge(*test.base, *trained, options);
  auto whole = contents(test.folder / "merged");
  auto interrupt = [&] {
    fs::remove_all(test.folder / "merged");
    MergeOptions dying = options;
    dying.progress = [](int64_t done, int64_t) {
      if (done > 0)
        throw Error(Status::Interrupted, "now");
    };
    EXPECT_REFUSED(merge(*test.base, *trained, dying), "now");
  };
  interrupt();
  std::string journal = readFile(test.folder / ".merged.merge/journal.jsonl");
  MergeReport report = merge(*test.base, *trained, options);
  EXPECT_EQ(report.resumedTensors, std::count(journal.begin(), journal.end(), '\n') - 1);
  EXPECT_EQ(report.layers.size(), 30u);
  EXPECT_EQ(contents(test.folder / "merged"), whole);
  interrupt();
  test.weights["model.norm.weight"][5] += 1;
  trained = Checkpoint::open(test.save("further"));
  EXPECT_EQ(merge(*test.base, *trained, options).resumedTensors, 0);
}

TEST(TrainedModel, RefusesWhatIsNotTrainedFromThisBase) {
  Trained test;
  auto open = [&](const std::string &name, const std::string &key = "", const std::string &value = "") {
    if (!key.empty()) {
      nlohmann::json config = readJsonFile(test.folder / (name + "/config.json"));
      config[key] = nlohmann::json::parse(value);
      test.folder.file(name + "/config.json", config.dump());
    }
    return Checkpoint::open(test.folder / name);
  };
  auto to = [&](const Checkpoint &trained, const char *name = "x") {
    merge(*test.base, trained, test.into(name));
  };
  std::string own = test.base->fingerprint();
  test.save("own", {{"format", "pt"}, {baseFingerprintKey, own}, {baseModelKey, "theirs"}});
  to(*open("own"));
  EXPECT_EQ(SafetensorsFile(test.folder / "x/model-00001-of-00003.safetensors")
                .metadata()
                .count(baseFingerprintKey),
            0u);
  test.save("other", {{"format", "pt"}, {baseFingerprintKey, "00"}, {baseModelKey, "theirs"}});
  EXPECT_REFUSED(to(*open("other")), "other/model.safetensors", "another base", "theirs", own);
  EXPECT_REFUSED(to(*open("own", "rope_theta", "10000.0")), "own: rope_theta is 10000", "has 500000");
  open("own", "rope_theta", "500000.0");
  EXPECT_REFUSED(to(*open("own", "rope_scaling", "null")), "rope_scaling");
  // Fewer tensors, more, and others.
  Trained less;
  less.weights.erase("lm_head.weight");
  fs::path folder = less.save("less");
  EXPECT_REFUSED(Checkpoint::open(folder), "'lm_head.weight' is missing");
  nlohmann::json config = readJsonFile(folder / "config.json");
  config["tie_word_embeddings"] = true;
  less.folder.file("less/config.json", config.dump());
  EXPECT_REFUSED(to(*Checkpoint::open(folder)), "'lm_head.weight' is missing, which the base");
  EXPECT_REFUSED(merge(*Checkpoint::open(folder), *test.base, test.into("x")),
                 "'lm_head.weight' is none of the base's");
  std::string large = configuration;
  large.replace(large.find("\"vocab_size\": 96"), 16, "\"vocab_size\": 97");
  Trained longer(0.05, large);
  EXPECT_REFUSED(to(*Checkpoint::open(longer.save("longer"))), "'lm_head.weight' is [97, 64]", "[96, 64]");
  // The trained folder is not written over, even where a merge had written it.
  EXPECT_REFUSED(merge(*test.base, *Checkpoint::open(test.folder / "x"), test.into("x")), "x",
                 "would be overwritten");
  for (const char *inside : {"x/sub", "x/out.gguf"})
    EXPECT_REFUSED(to(*Checkpoint::open(test.folder / "x"), inside), inside, "which a merge only reads");
}

TEST(TrainedModel, IsNoAdapter) {
  Trained test;
  fs::path folder = test.save("trained");
  EXPECT_TRUE(isWholeModel(folder));
  EXPECT_FALSE(isWholeModel(test.folder.path()));
  EXPECT_REFUSED(readAdapter(folder, test.base->config()), "holds a whole model", "model_name_or_path");
  EXPECT_REFUSED(AdapterSource::open(folder), "holds a whole model");
  writeNativeAdapter(folder, initialAdapter(test.base->config(), {"lora", 1, 2, 2, {"q_proj"}}, 1));
  EXPECT_FALSE(isWholeModel(folder));
}
