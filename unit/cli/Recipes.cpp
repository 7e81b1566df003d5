// Files that include others, the recipes of models/, and keys of merge and export.
#include "../TempFolder.h"
#include "Support.h"

namespace mlora::test {
namespace {

namespace fs = std::filesystem;

TEST(Recipes, IncludedIsReadFirst) {
  TempFolder folder;
  folder.file("base.yaml", "lora_r: 8\nseed: 3\nlearning_rate: 1e-3\n");
  folder.file("sub/middle.yaml", "seed: 4\ninclude: ../base.yaml\n");
  std::string file = folder.file("top.yaml", "include: sub/middle.yaml\nlora_r: 16\n");
  Config config = readTrain({file, "learning_rate=2e-3"}).config;
  EXPECT_EQ(config.loraR, 16);
  EXPECT_EQ(config.seed, 4u);
  EXPECT_EQ(config.learningRate, 2e-3);
  folder.file("base.yaml", "lora_r: many\n");
  EXPECT_SAYS(trainComplaint({file}), "base.yaml:1: lora_r");
  folder.file("base.yaml", "include: sub/middle.yaml\n");
  EXPECT_SAYS(trainComplaint({file}), "circle");
  folder.file("base.yaml", "include: nothing.yaml\n");
  EXPECT_SAYS(trainComplaint({file}), "nothing.yaml");
  folder.file("base.yaml", "include: {a: b}\n");
  EXPECT_SAYS(trainComplaint({file}), "base.yaml:1: include: expected the name of a file");
  folder.file("base.yaml", "include: [[a]]\n");
  EXPECT_SAYS(trainComplaint({file}), "base.yaml:1: include: expected names of files");
}

TEST(Recipes, LaterFilesWin) {
  TempFolder folder;
  std::string first = folder.file("first.yaml", "lora_r: 8\nseed: 3\nlearning_rate: 1e-3\n");
  std::string second = folder.file("second.yaml", "lora_r: 16\n");
  std::string both = folder.file("both.yaml", "include: [first.yaml, second.yaml]\nseed: 5\n");
  Config config = readTrain({"learning_rate=2e-3", first, second}).config;
  EXPECT_EQ(config.loraR, 16);
  EXPECT_EQ(config.seed, 3u);
  EXPECT_EQ(config.learningRate, 2e-3);
  EXPECT_EQ(readTrain({second, first}).config.loraR, 8);
  config = readTrain({both}).config;
  EXPECT_EQ(config.loraR, 16);
  EXPECT_EQ(config.seed, 5u);
}

/// Table 1: a data set's file behind a method's file replaces the data and leaves the rest.
TEST(Recipes, OneDataSet) {
  const std::string recipes = std::string(MLORA_SOURCE) + "/models/recipes/";
  for (const char *task : {"mmlu", "boolq", "multirc", "rte", "wic"})
    for (const char *method : {"lora-r96", "lora-r160", "multilora-n3", "multilora-n5", "ft"})
      for (auto [table, data] : {std::pair("table1-", "only-"), std::pair("small-", "small-only-")}) {
        std::string of = recipes + table + method + ".yaml";
        auto read = [](std::vector<std::string> words) {
          return readArguments(Command::Train, words).config;
        };
        Config alone = read({of}), config = read({of, recipes + data + task + ".yaml"});
        ASSERT_EQ(config.datasets.size(), 1u) << task;
        ASSERT_EQ(config.evalTasks.size(), 1u) << task;
        EXPECT_EQ(config.datasets[0].task, task);
        EXPECT_EQ(config.evalTasks[0].task, task);
        EXPECT_EQ(config.method, alone.method);
        EXPECT_EQ(config.numBranches * config.loraR, alone.numBranches * alone.loraR);
        EXPECT_EQ(config.rate(), alone.rate());
        EXPECT_EQ(config.maxSteps, alone.maxSteps);
      }
}

TEST(Recipes, AllOfThemAreRead) {
  fs::path recipes = fs::path(MLORA_SOURCE) / "models/recipes";
  size_t methods = 0;
  for (const fs::directory_entry &entry : fs::directory_iterator(recipes)) {
    std::string name = entry.path().stem().string();
    if (name == "paper" || name.find("only-") != name.npos)
      continue; // half of a recipe
    std::vector<std::string> words = {entry.path().string()};
    Config config = readArguments(Command::Train, words).config;
    EXPECT_EQ(config.metricForBestModel, "average") << name;
    EXPECT_TRUE(config.loadBestModelAtEnd) << name;
    EXPECT_FALSE(config.evalTasks.empty()) << name;
    EXPECT_EQ(config.warmupRatio, 0.05) << name;
    if (size_t dash = name.find('-'); dash != name.npos) {
      std::string method = name.substr(dash + 1);
      int64_t width = config.numBranches * config.loraR;
      EXPECT_EQ(config.method, method.substr(0, method.find('-'))) << name;
      EXPECT_EQ(config.outputDir, "runs/" + name);
      if (method == "lora-r96" || method == "multilora-n3") {
        EXPECT_EQ(width, 96) << name;
      }
      if (method == "lora-r160" || method == "multilora-n5") {
        EXPECT_EQ(width, 160) << name;
      }
      ++methods;
    }
    if (name.starts_with("table")) {
      EXPECT_EQ(config.batchSize, 32) << name;
      EXPECT_EQ(config.epochs, 2) << name;
      EXPECT_EQ(config.rate(), config.method == "ft" ? 5e-6 : 5e-5) << name;
    }
  }
  EXPECT_EQ(methods, 15u);
}

TEST(MergeKeys, SeveralAdaptersAndFormats) {
  TempFolder folder;
  folder.file("a/x", ""), folder.file("b/x", "");
  auto merge = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"model=m", "output_dir=o"});
    return readArguments(Command::Merge, words).config;
  };
  EXPECT_EQ(merge({"adapter=one,two"}).adapterPaths(), (std::vector<std::string>{"one", "two"}));
  std::string file = folder.file("merge.yaml", "adapter: [a, b]\n");
  EXPECT_EQ(merge({file}).adapterPaths(),
            (std::vector<std::string>{(folder / "a").string(), (folder / "b").string()}));
  fs::create_directory(folder / "with,comma");
  EXPECT_EQ(merge({"adapter=" + (folder / "with,comma").string()}).adapterPaths().size(), 1u);
  EXPECT_SAYS(trainComplaint({"adapter=one,two"}), "only merge takes several");
  EXPECT_EQ(merge({"adapter=a", "dtype=q8_0"}).dtype, "q8_0");
  EXPECT_SAYS(trainComplaint({"dtype=f16"}), "nothing computes in it");
  EXPECT_SAYS(complaint(Command::Merge, {"model=m", "output_dir=o", "adapter=a", "format=peft"}), "export");
  EXPECT_SAYS(complaint(Command::Export, {"output_dir=o", "adapter=a", "format=hf"}), "merge");
  EXPECT_SAYS(complaint(Command::Export, {"output_dir=o"}), "adapter");
  EXPECT_SAYS(complaint(Command::Merge, {"model=m", "output_dir=o", "adapter=a", "rounding=up"}),
              "stochastic");
}

} // namespace
} // namespace mlora::test
