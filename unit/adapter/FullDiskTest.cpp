// Merging and exporting to a disk that is too small, or fills up on the way.
#include "../Expect.h"
#include "../SmallDisk.h"
#include "../TempFolder.h"
#include "SyntheticBase.h"
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/SyntheticCheckpoint.h"

namespace fs = std::filesystem;
using namespace mlora;
using namespace mlora::test;

namespace {

/// A base in three shards (245 KiB in bf16) and an adapter, on an ordinary disk.
class FullDisk : public testing::Test {
protected:
  void SetUp() override {
    writeSyntheticCheckpoint(configuration, folder / "base", {3, "BF16", 5});
    folder.file("base/tokenizer.json", std::string(30000, ' '));
    base = Checkpoint::open(folder / "base");
    adapter = initialAdapter(base->config(), {"multilora", 2, 16, 32, {"q_proj", "up_proj", "down_proj"}}, 3);
    for (auto &[name, tensor] : adapter.tensors)
      if (name.ends_with(".s"))
        tensor.values.assign(tensor.values.size(), 0.01f);
    weights = fs::file_size(folder / "base/model-00001-of-00003.safetensors") * 3;
  }

  fs::path disk() const { return folder / "disk"; }
  MergeOptions into(const std::string &name, const std::string &dtype = "") const {
    MergeOptions options;
    options.output = disk() / name;
    options.dtype = dtype;
    options.format = name.ends_with(".gguf") ? MergeFormat::Gguf : MergeFormat::HuggingFace;
    // As large as a tokenizer is.
    options.tokenizer = {{"tokenizer.ggml.model", std::string(30000, 'x')}};
    return options;
  }
  static std::map<std::string, std::string> whatIsThere(const fs::path &output) {
    return fs::is_directory(output)
               ? contents(output)
               : std::map<std::string, std::string>{{output.filename(), hashFileHex(output)}};
  }

  TempFolder folder;
  std::unique_ptr<Checkpoint> base;
  Adapter adapter;
  uint64_t weights = 0; ///< about the bytes of the base
};

#define SKIP_UNLESS_MOUNTED(call)                                                                            \
  if (!(call))                                                                                               \
  GTEST_SKIP() << "no private mounts here (root, or user namespaces, are needed)"

// Twice the size of what is there: said before anything is written.
TEST_F(FullDisk, TooSmallForAMergeIsSaidAtOnce) {
  for (std::string name : {"out", "out.gguf"})
    SKIP_UNLESS_MOUNTED(withSmallDisk(disk(), 2 * weights, [&] {
      merge(*base, adapter, into(name, "bf16"));
      auto before = whatIsThere(disk() / name);
      EXPECT_REFUSED(merge(*base, adapter, into(name, "f32")), (disk() / name).string() + ": ",
                     " are needed, ", "KiB are free on ", "make room");
      EXPECT_EQ(whatIsThere(disk() / name), before);
      EXPECT_EQ(entries(disk()), 1u);
    }));
}

// Others write to the disk too. The weights' room is taken before the first of them is written; a folder's
// last files find none.
TEST_F(FullDisk, ThatFillsUpWhileAMergeRunsKeepsWhatWasThere) {
  SKIP_UNLESS_MOUNTED(withSmallDisk(disk(), 8 * weights, [&] {
    merge(*base, adapter, into("out", "bf16"));
    auto before = contents(disk() / "out");
    MergeOptions options = into("out", "f32");
    options.progress = [&](int64_t done, int64_t) {
      if (done > 0)
        fillDisk(disk(), 0);
    };
    EXPECT_REFUSED(merge(*base, adapter, options), "cannot write " + disk().string(),
                   "No space left on device", "make room", "what was there before is unchanged");
    EXPECT_EQ(contents(disk() / "out"), before);
    EXPECT_EQ(entries(disk()), 2u); // and the filler
    fs::remove(disk() / "filler");
    options.output = disk() / "out.gguf";
    options.format = MergeFormat::Gguf;
    EXPECT_NO_THROW(merge(*base, adapter, options));
    EXPECT_LE(freeBytes(disk()), 4096u); // of the journal, which is gone
    auto merged = Checkpoint::open(disk() / "out.gguf");
    EXPECT_EQ(merged->tensors().size(), base->tensors().size());
  }));
}

TEST_F(FullDisk, WhileAnAdapterIsExportedKeepsWhatWasThere) {
  auto source = AdapterSource::of(adapter, base->config());
  SKIP_UNLESS_MOUNTED(withSmallDisk(disk(), 20 * weights, [&] {
    auto exportPeft = [&] {
      AtomicFolder aside(disk() / "peft", ExistingFolder::Replace);
      writePeftAdapter(aside.aside(), *source, base->config(), exportedMetadata());
      aside.commit();
    };
    auto exportGguf = [&] { writeGgufAdapter(disk() / "adapter.gguf", *source, base->config()); };
    exportPeft();
    exportGguf();
    auto folderBefore = contents(disk() / "peft");
    std::string fileBefore = hashFileHex(disk() / "adapter.gguf");
    fillDisk(disk(), 20000);
    EXPECT_REFUSED(exportPeft(), "adapter_model.safetensors", "No space left on device");
    EXPECT_REFUSED(exportGguf(), "cannot write " + (disk() / "adapter.gguf").string(),
                   "No space left on device");
    EXPECT_REFUSED(writeAdapter(disk(), adapter, base->config()), "mlora_adapter.safetensors",
                   "No space left");
    EXPECT_EQ(contents(disk() / "peft"), folderBefore);
    EXPECT_EQ(hashFileHex(disk() / "adapter.gguf"), fileBefore);
    EXPECT_EQ(entries(disk()), 3u);
  }));
}

} // namespace
