#include "mlora/Runtime/Program/BundleLibrary.h"

#include "../Expect.h"
#include "TestBundle.h"
#include "mlora/Runtime/Program/BundleCache.h"

#include <sys/stat.h>

using namespace mlora;
using namespace mlora::test;
namespace fs = std::filesystem;

namespace {

/// The bundle written by hand, in a library; no compiler is anywhere.
struct BundleLibraryTest : testing::Test {
  TestBundle files;
  TempFolder folder;
  ProgramRequest request;

  BundleLibraryTest() {
    fs::create_directory(folder / "model");
    fs::copy(MLORA_SOURCE "/unit/goldens/tiny/model/config.json", folder / "model");
    request.model = folder / "model";
  }

  BundleLibrary library() { return BundleLibrary(folder / "bundles"); }
  fs::path entry() { return folder / "bundles" / BundleLibrary::key(request); }
  Bundle get() {
    return BundleCache(folder / "cache", folder / "no-compiler", folder / "bundles").get(request);
  }
};

TEST_F(BundleLibraryTest, AProgramIsFoundWithoutACompiler) {
  EXPECT_EQ(library().add(request, files.path()), entry());
  Bundle bundle = get();
  EXPECT_TRUE(bundle.cached);
  EXPECT_EQ(bundle.manifest.kernels.size(), 6u);
  EXPECT_FALSE(fs::exists(folder / "cache"));
}

TEST_F(BundleLibraryTest, TheModelMayLieElsewhere) {
  library().add(request, files.path());
  fs::rename(folder / "model", folder / "moved");
  request.model = folder / "moved";
  EXPECT_NO_THROW(get());
}

TEST_F(BundleLibraryTest, WhatIsMissingIsNamed) {
  library().add(request, files.path());
  request.target = "cuda";
  request.chip = "sm_90a";
  request.loraR = 7;
  EXPECT_REFUSED(get(), "holds no program for (train, cuda for sm_90a, f32, multilora, 1 x 7", "no-compiler",
                 "MLORA_BUNDLES", "MLORA_OPT");
  fs::path config = folder / "model/config.json";
  request = {};
  request.model = folder / "model";
  EXPECT_NO_THROW(get());
  nlohmann::json json = readJsonFile(config);
  json["rms_norm_eps"] = 2e-5;
  folder.file("model/config.json", json.dump());
  EXPECT_REFUSED(get(), "holds no program for");
}

TEST_F(BundleLibraryTest, ADamagedBundleIsAnError) {
  library().add(request, files.path());
  fs::resize_file(entry() / "program.so", fs::file_size(entry() / "program.so") - 1);
  EXPECT_REFUSED(get(), "program.so");
  library().add(request, files.path());
  EXPECT_NO_THROW(get());
  folder.file(fs::relative(entry() / "manifest.json", folder.path()), "{}");
  EXPECT_REFUSED(get(), "manifest.xxh3");
}

TEST_F(BundleLibraryTest, ABundleOfAnotherRequestIsAnError) {
  ProgramRequest other = request;
  other.loraR = 7;
  fs::rename(library().add(other, files.path()), folder / "bundles" / "aside");
  fs::rename(folder / "bundles" / "aside", entry());
  EXPECT_REFUSED(get(), "was made for another request");
}

TEST(ProgramRequest, IsReadBackAsItWasWritten) {
  ProgramRequest request;
  request.model = "/models/config.json";
  request.target = "cuda";
  request.chip = "sm_80";
  request.dtype = "bf16";
  request.numBranches = 3;
  request.loraR = 32;
  request.loraAlpha = 16;
  request.targets = {"q_proj", "v_proj"};
  request.memoryBudget = 1 << 20;
  request.capacity = {.rows = 1, .countedRows = 2, .kvRows = 3};
  EXPECT_EQ(ProgramRequest::fromJson(request.toJson(), "here").toJson(), request.toJson());
  EXPECT_REFUSED(ProgramRequest::fromJson({{"kind", 3}}, "here"), "here", "kind");
}

} // namespace
