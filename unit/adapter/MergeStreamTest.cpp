// Merging of sharded checkpoints: layout, formats, being killed on the way, a disk that fills up.
#include "../Expect.h"
#include "../TempFolder.h"
#include "SyntheticBase.h"
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"
#include "mlora/Runtime/Model/SyntheticCheckpoint.h"

#include <cmath>
#include <csignal>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace mlora;
using namespace mlora::test;

namespace {

/// A base in three shards and an adapter on some projections.
struct Case {
  TempFolder folder;
  std::unique_ptr<Checkpoint> base;
  Adapter adapter;

  explicit Case(double size = 0.02, const std::string &dtype = "BF16") {
    writeSyntheticCheckpoint(configuration, folder / "base", {3, dtype, 5});
    folder.file("base/tokenizer_config.json", "{}");
    base = Checkpoint::open(folder / "base");
    adapter = initialAdapter(base->config(),
                             {"multilora", 2, 3, 6, {"q_proj", "k_proj", "o_proj", "down_proj"}}, 3);
    for (auto &[name, tensor] : adapter.tensors)
      if (name.ends_with(".s"))
        for (size_t i = 0; i < tensor.values.size(); ++i)
          tensor.values[i] = static_cast<float>(size * (1 + double(i % 7)));
  }

  MergeOptions into(const std::string &name, const std::string &dtype = "") const {
    return mergeInto(folder.path(), name, dtype);
  }
  MergeReport merge(const std::string &name, const std::string &dtype = "") const {
    return mlora::merge(*base, adapter, into(name, dtype));
  }
};

/// W + Δ of one weight, in f64, from the paper's formula.
std::vector<double> expected(const Checkpoint &base, const Adapter &adapter, const TensorInfo &info) {
  std::vector<float> weight = valuesOf(base, info);
  std::vector<double> sum(weight.begin(), weight.end());
  for (int64_t layer = 0; layer < adapter.numLayers; ++layer)
    for (const std::string &target : adapter.targets) {
      if (projectionPath(layer, target) + ".weight" != info.name)
        continue;
      for (int64_t n = 0; n < adapter.numBranches; ++n) {
        auto part = [&](char name) -> const std::vector<float> & {
          return adapter.tensor(layer, target, n, name).values;
        };
        for (int64_t o = 0; o < info.shape[0]; ++o)
          for (int64_t r = 0; r < adapter.rank; ++r)
            for (int64_t i = 0; i < info.shape[1]; ++i)
              sum[size_t(o * info.shape[1] + i)] += adapter.scaling() * double(part('s')[size_t(o)]) *
                                                    part('B')[size_t(o * adapter.rank + r)] *
                                                    part('A')[size_t(r * info.shape[1] + i)];
      }
    }
  return sum;
}

} // namespace

TEST(MergeStream, KeepsShardsOrderDtypeAndFiles) {
  Case test;
  auto before = contents(test.folder / "base");
  test.merge("merged");
  EXPECT_EQ(contents(test.folder / "base"), before);
  auto merged = Checkpoint::open(test.folder / "merged");
  ASSERT_NO_FATAL_FAILURE(expectSameLayout(*merged, *test.base));
  for (const StoredFile &file : merged->storedFiles())
    for (const StoredTensor &tensor : file.tensors)
      EXPECT_EQ(tensor.dtype, "BF16") << tensor.name;
  nlohmann::json config = readJsonFile(test.folder / "merged/config.json");
  EXPECT_EQ(config["a_key_of_theirs"], 7);
  EXPECT_EQ(config, readJsonFile(test.folder / "base/config.json"));
  EXPECT_EQ(readJsonFile(test.folder / "merged/model.safetensors.index.json")["weight_map"],
            readJsonFile(test.folder / "base/model.safetensors.index.json")["weight_map"]);
  EXPECT_EQ(readFile(test.folder / "merged/tokenizer_config.json"), "{}");
  for (const TensorInfo &info : test.base->tensors()) {
    std::vector<double> want = expected(*test.base, test.adapter, info);
    std::vector<float> have = valuesOf(*merged, info);
    for (size_t i = 0; i < have.size(); ++i)
      ASSERT_NEAR(have[i], want[i], std::abs(want[i]) / 256 + 1e-7) << info.name << " " << i;
  }
  // Another dtype: sizes in the index change, the layout does not.
  test.merge("wide", "f32");
  nlohmann::json index = readJsonFile(test.folder / "wide/model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"],
            2 * readJsonFile(test.folder / "base/model.safetensors.index.json")["metadata"]["total_size"]
                    .get<int64_t>());
  EXPECT_EQ(readJsonFile(test.folder / "wide/config.json")["torch_dtype"], "float32");
}

TEST(MergeStream, BytesDoNotDependOnThreadsOrBlocks) {
  Case test;
  MergeOptions one = test.into("one"), many = test.into("many");
  one.threads = 1;
  one.blockValues = 1 << 20;
  many.threads = 5;
  many.blockValues = 64 * 7;
  one.stochastic = many.stochastic = true;
  merge(*test.base, test.adapter, one);
  merge(*test.base, test.adapter, many);
  EXPECT_EQ(contents(test.folder / "one"), contents(test.folder / "many"));
  many.seed = 43;
  merge(*test.base, test.adapter, many);
  EXPECT_NE(contents(test.folder / "one"), contents(test.folder / "many"));
}

namespace {

/// New threads get stacks of this size while it lives: what a system refuses, or gives only a few times.
class StackSize {
public:
  explicit StackSize(size_t bytes) {
    pthread_getattr_default_np(&before);
    pthread_attr_t large;
    pthread_getattr_default_np(&large);
    pthread_attr_setstacksize(&large, bytes);
    pthread_setattr_default_np(&large);
  }
  ~StackSize() { pthread_setattr_default_np(&before); }

private:
  pthread_attr_t before;
};

} // namespace

TEST(MergeStream, NeedsNoMoreThreadsThanThereAre) {
  Case test;
  MergeOptions options = test.into("one");
  options.threads = 1;
  merge(*test.base, test.adapter, options);
  options.output = test.folder / "few";
  options.threads = 100;
  {
    StackSize none(size_t(1) << 47); // all that a process can address
    EXPECT_REFUSED(merge(*test.base, test.adapter, options), "no thread to merge with can be started");
  }
  EXPECT_EQ(entries(test.folder.path()), 2u); // nothing is left aside
  constexpr size_t gigabyte = size_t(1) << 30;
  struct rlimit before {};
  getrlimit(RLIMIT_AS, &before);
  struct rlimit small = before;
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  small.rlim_cur = pages * size_t(sysconf(_SC_PAGESIZE)) + 11 * gigabyte;
  {
    StackSize two(4 * gigabyte);
    setrlimit(RLIMIT_AS, &small);
    EXPECT_NO_THROW(merge(*test.base, test.adapter, options));
    setrlimit(RLIMIT_AS, &before);
  }
  EXPECT_EQ(contents(test.folder / "few"), contents(test.folder / "one"));
}

TEST(MergeStream, SeveralAdaptersAddUp) {
  Case test;
  Adapter second = test.adapter;
  second.targets = {"q_proj"};
  std::erase_if(second.tensors,
                [](const auto &entry) { return entry.first.find("q_proj") == std::string::npos; });
  auto a = AdapterSource::of(test.adapter, test.base->config()),
       b = AdapterSource::of(second, test.base->config());
  merge(*test.base, {a.get(), b.get()}, test.into("merged", "f32"));
  auto merged = Checkpoint::open(test.folder / "merged");
  // As one LoRA, which verification computes with; its other projections are padded.
  Adapter lora = asLora(*AdapterSource::sum({a.get(), b.get()}), test.base->config());
  EXPECT_EQ(lora.rank, 12);
  EXPECT_EQ(lora.scaling(), 1);
  merge(*test.base, lora, test.into("stacked", "f32"));
  auto stacked = Checkpoint::open(test.folder / "stacked");
  for (const TensorInfo &info : test.base->tensors()) {
    std::vector<double> want = expected(*test.base, test.adapter, info),
                        more = expected(*test.base, second, info);
    std::vector<float> old = valuesOf(*test.base, info), have = valuesOf(*merged, info),
                       same = valuesOf(*stacked, info);
    for (size_t i = 0; i < have.size(); ++i) {
      ASSERT_NEAR(have[i], want[i] + more[i] - old[i], 1e-6) << info.name;
      ASSERT_NEAR(same[i], have[i], 1e-6) << info.name;
    }
  }
}

// Read back by our reader, which turns rows and names to Hugging Face's again.
TEST(MergeStream, GgufHoldsTheSameModel) {
  for (std::string dtype : {"f32", "f16", "bf16", "q8_0"}) {
    Case test;
    MergeOptions options = test.into("merged.gguf", dtype);
    options.tokenizer = {{"tokenizer.ggml.model", std::string("none")}};
    merge(*test.base, test.adapter, options);
    auto merged = Checkpoint::open(test.folder / "merged.gguf");
    EXPECT_EQ(merged->config().headDim, 16);
    EXPECT_EQ(merged->config().ropeTheta, 500000);
    EXPECT_EQ(merged->config().ropeDivisors.size(), 8u);
    EXPECT_FALSE(merged->config().tiedHead);
    for (const TensorInfo &info : test.base->tensors()) {
      std::vector<double> want = expected(*test.base, test.adapter, info);
      std::vector<float> have = valuesOf(*merged, info);
      bool vector = info.shape.size() == 1;
      for (size_t i = 0; i < have.size(); ++i) {
        double bound = 1e-7;
        if (!vector && dtype == "q8_0") {
          for (size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j)
            bound = std::max(bound, std::abs(want[j]) / 220);
        } else if (!vector)
          bound += std::abs(want[i]) / (dtype == "f32" ? 1 << 22 : dtype == "f16" ? 1024 : 256);
        ASSERT_NEAR(have[i], want[i], bound) << dtype << " " << info.name << " " << i;
      }
    }
    // A GGUF base keeps its metadata, order and types; merged with nothing new it keeps its values.
    Adapter none = test.adapter;
    for (auto &[name, tensor] : none.tensors)
      if (name.ends_with(".s"))
        std::fill(tensor.values.begin(), tensor.values.end(), 0.0f);
    merge(*merged, none, test.into("again.gguf"));
    GgufFile first(test.folder / "merged.gguf"), again(test.folder / "again.gguf");
    EXPECT_EQ(again.values(), first.values());
    ASSERT_EQ(again.tensors().size(), first.tensors().size());
    for (size_t i = 0; i < again.tensors().size(); ++i) {
      const GgufTensor &a = first.tensors()[i], &b = again.tensors()[i];
      EXPECT_EQ(a.name, b.name);
      EXPECT_STREQ(a.type->name, b.type->name);
      auto x = first.bytes(a), y = again.bytes(b);
      EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end())) << a.name;
    }
    // And to a folder again.
    merge(*merged, none, test.into("folder", "f32"));
    auto folder = Checkpoint::open(test.folder / "folder");
    for (const TensorInfo &info : test.base->tensors())
      ASSERT_EQ(valuesOf(*folder, info), valuesOf(*merged, info)) << info.name;
  }
}

TEST(MergeStream, ReportsLayersAndStochasticKeepsTheMean) {
  Case tiny(1e-4);
  MergeReport nearest = tiny.merge("a", "bf16");
  EXPECT_EQ(nearest.layers.size(), 12u);
  EXPECT_EQ(nearest.projections.size(), 4u);
  EXPECT_EQ(nearest.toJson()["layers"].size(), 3u);
  MergeOptions options = tiny.into("b", "bf16");
  options.stochastic = true;
  MergeReport chance = merge(*tiny.base, tiny.adapter, options);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_LT(nearest.projections[i].survived, 0.6) << nearest.projections[i].name;
    EXPECT_NEAR(chance.projections[i].inMean, 1, 0.15) << chance.projections[i].name;
    EXPECT_GT(std::abs(nearest.projections[i].inMean - 1), std::abs(chance.projections[i].inMean - 1));
  }
  EXPECT_GT(tiny.merge("c", "f32").projections[0].survived, 0.999);
}

TEST(MergeStream, KilledOnTheWayGoesOn) {
  Case test;
  MergeOptions options = test.into("merged");
  options.threads = 1;
  merge(*test.base, test.adapter, options);
  auto whole = contents(test.folder / "merged");
  fs::remove_all(test.folder / "merged");
  // Killed with some tensors in the journal: a child is, after an interruption that kept some.
  int64_t taken = 0;
  for (int attempt = 0; attempt < 20 && taken == 0; ++attempt) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      MergeOptions dying = options;
      dying.progress = [&](int64_t done, int64_t) {
        if (done > 0)
          throw Error(Status::Interrupted, "now");
      };
      try {
        merge(*test.base, test.adapter, dying);
      } catch (const Error &) {
      }
      raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    fs::path journal = test.folder / ".merged.merge/journal.jsonl";
    if (!fs::exists(journal))
      continue; // it was through before it was asked
    std::string text = readFile(journal);
    // As if it had died in the middle of a line.
    size_t half = text.find('\n', text.find('\n') + 1);
    if (half == text.npos)
      continue;
    test.folder.file(".merged.merge/journal.jsonl", text.substr(0, half + 1) + "{\"file\": \"mod");
    taken = 1;
  }
  if (taken) {
    MergeReport report = merge(*test.base, test.adapter, options);
    EXPECT_EQ(report.resumedTensors, 1);
    EXPECT_EQ(report.layers.size(), 12u);
  } else {
    merge(*test.base, test.adapter, options);
  }
  EXPECT_EQ(contents(test.folder / "merged"), whole);
  EXPECT_EQ(entries(test.folder.path()), 2u);
  // Another adapter does not take over what is of this one.
  options.progress = [](int64_t done, int64_t) {
    if (done > 0)
      throw Error(Status::Interrupted, "now");
  };
  EXPECT_REFUSED(merge(*test.base, test.adapter, options), "now");
  options.progress = {};
  Adapter other = test.adapter;
  other.alpha *= 2;
  EXPECT_EQ(merge(*test.base, other, options).resumedTensors, 0);
}

// As if it had died behind the rename: what the journal tells of has left.
TEST(MergeStream, KilledBehindTheRenameDoesNotBelieveItsJournal) {
  for (const char *name : {"merged", "merged.gguf"}) {
    Case test;
    MergeOptions options = test.into(name);
    if (std::string_view(name).ends_with(".gguf"))
      options.format = MergeFormat::Gguf;
    merge(*test.base, test.adapter, options);
    fs::path target = test.folder / name, work = test.folder / ("." + std::string(name) + ".merge");
    auto contentsOf = [&] {
      return fs::is_directory(target) ? contents(target)
                                      : std::map<std::string, std::string>{{"", readFile(target)}};
    };
    auto whole = contentsOf();
    fs::remove_all(target);
    MergeOptions dying = options;
    dying.progress = [](int64_t done, int64_t total) {
      if (done == total)
        throw Error(Status::Interrupted, "now");
    };
    EXPECT_REFUSED(merge(*test.base, test.adapter, dying), "now");
    ASSERT_TRUE(fs::exists(work / "journal.jsonl"));
    fs::remove_all(work / "out");
    EXPECT_EQ(merge(*test.base, test.adapter, options).resumedTensors, 0);
    EXPECT_EQ(contentsOf(), whole);
    EXPECT_FALSE(fs::exists(work));
  }
}

TEST(MergeStream, FullDiskLeavesNothing) {
  Case test;
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  auto old = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 30000;
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_REFUSED(test.merge("merged"), "cannot write", "merged");
  EXPECT_REFUSED(test.merge("merged.gguf"), "cannot write");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old);
  EXPECT_EQ(entries(test.folder.path()), 1u);
}

TEST(MergeStream, RefusesWhatCannotBe) {
  Case test;
  test.folder.file("mine.gguf", "my notes");
  EXPECT_REFUSED(test.merge("mine.gguf"), "not written by a merge");
  test.merge("out.gguf");
  EXPECT_NO_THROW(test.merge("out.gguf", "f16"));
  auto gguf = Checkpoint::open(test.folder / "out.gguf");
  EXPECT_REFUSED(merge(*gguf, test.adapter, test.into("out.gguf")), "is the base checkpoint itself");
  auto untouched = contents(test.folder / "base");
  for (const char *inside : {"base/sub", "base/a/../b/c", "base/out.gguf"})
    EXPECT_REFUSED(test.merge(inside), inside, "which a merge only reads");
  EXPECT_EQ(contents(test.folder / "base"), untouched);
  EXPECT_REFUSED(test.merge("x", "q8_0"), "GGUF");
  Adapter broken = test.adapter;
  broken.tensors.begin()->second.values[0] = NAN;
  EXPECT_REFUSED(merge(*test.base, broken, test.into("x")), "is not finite", "layers.0");
  Adapter large = test.adapter;
  for (auto &[name, tensor] : large.tensors)
    if (name.ends_with("0.s"))
      tensor.values.assign(tensor.values.size(), 1e7f);
  EXPECT_REFUSED(merge(*test.base, large, test.into("x", "f16")), "65504", "bf16");
  EXPECT_NO_THROW(merge(*test.base, large, test.into("y", "bf16")));
  test.folder.file(".z.merge/thesis.tex", "");
  EXPECT_REFUSED(test.merge("z"), "no merge wrote");
  EXPECT_TRUE(fs::exists(test.folder / ".z.merge/thesis.tex"));
  EXPECT_FALSE(fs::exists(test.folder / "x"));
}

TEST(FloatFormats, HalvesRoundToNearest) {
  // Every half, its neighbours' middle (ties to even) and what lies just beside it.
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    float here = halfToFloat(uint16_t(bits)),
          next = bits + 1 < 0x7c00 ? halfToFloat(uint16_t(bits + 1)) : 65536.0f;
    float middle = here + (next - here) / 2;
    ASSERT_EQ(floatToHalf(here), bits);
    ASSERT_EQ(floatToHalf(-here), bits | 0x8000);
    ASSERT_EQ(floatToHalf(middle), bits + (bits & 1)) << bits;
    ASSERT_EQ(floatToHalf(std::nextafter(middle, 0.0f)), bits) << bits;
    ASSERT_EQ(floatToHalf(std::nextafter(middle, INFINITY)), bits + 1) << bits;
  }
  EXPECT_EQ(floatToHalf(INFINITY), 0x7c00);
  EXPECT_EQ(floatToHalf(1e30f), 0x7c00);
  EXPECT_TRUE(std::isnan(halfToFloat(floatToHalf(NAN))));
}
