// `merge` and `export` from the commands' side: refused before anything is written, verified after.
#include "../goldens/ScoredTraining.h"
#include "Support.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"

namespace mlora::test {
namespace {

namespace fs = std::filesystem;

class MergeCommand : public ScoredTraining {
protected:
  void SetUp() override {
    writeModel();
    writeTokenizer();
    writeOne("one", {"multilora", 2, 3, 6, {"q_proj", "down_proj"}});
    writeOne("two", {"lora", 1, 2, 4, {"q_proj", "v_proj"}});
  }

  /// An adapter whose update is not zero.
  void writeOne(const std::string &name, const AdapterShape &shape) {
    Adapter adapter = initialAdapter(ModelConfig::read(folder / "model"), shape, 3);
    float sign = 1;
    for (auto &[tensor, value] : adapter.tensors)
      if (tensor.ends_with(shape.method == "lora" ? ".B" : ".s"))
        for (float &number : value.values)
          number = 0.3f * (sign = -sign);
    fs::create_directory(folder / name);
    writeNativeAdapter(folder / name, adapter);
  }

  /// The command is a mistake that is said so, and nothing is written.
  void expectRefused(const std::string &words, const std::string &says) {
    auto files = [this] { return std::distance(fs::directory_iterator(folder.path()), {}); };
    run("--version"); // whose streams are files
    auto before = files();
    run(words, 2);
    EXPECT_SAYS(errors(), says);
    EXPECT_EQ(files(), before) << words;
  }
};

TEST_F(MergeCommand, ChecksBeforeItWrites) {
  std::string merge = "merge model=model output_dir=out adapter=", verify = merge + "one --verify ";
  expectRefused(verify + "tokenizer=nothere", "nothere");
  expectRefused(verify + "prompt=", "the text to verify on, is empty");
  expectRefused(verify + "prompt='so \xff'", "the text to verify on, is not UTF-8 at byte 3");
  expectRefused(merge + "one,./one/", "./one/: is given twice");
  expectRefused(merge + "nothere", "nothere: does not exist");
  expectRefused(merge + "one/mlora_adapter.safetensors", "is a file: give its folder");
  expectRefused("merge model=model adapter=one output_dir=model/merged", "which a merge only reads");
  EXPECT_FALSE(fs::exists(folder / "model/merged"));
}

TEST_F(MergeCommand, SeveralAdaptersAreVerified) {
  if (!fs::exists(MLORA_BIN "/mlora-opt"))
    GTEST_SKIP() << "without a compiler there are no programs to verify with";
  nlohmann::json report = nlohmann::json::parse(
      run("merge model=model adapter=one,two output_dir=out dtype=f32 num_threads=1 --verify --json"));
  EXPECT_EQ(report["projections"].size(), 3u);
  for (const auto &projection : report["projections"])
    EXPECT_GT(projection["update_norm"], 0.1);
  EXPECT_GT(report["verified"]["tokens"], 100);
  EXPECT_LT(report["verified"]["largest_difference"], 1e-4);
}

TEST_F(MergeCommand, ExportNamesTheBaseThatIsGiven) {
  run("export model=model adapter=one output_dir=peft");
  EXPECT_EQ(nlohmann::json::parse(readFile(folder / "peft/adapter_config.json"))["base_model_name_or_path"],
            "model");
}

} // namespace
} // namespace mlora::test
