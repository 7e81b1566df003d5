#include "mlora/Runtime/Program/BundleCache.h"

#include "../Expect.h"
#include "TestBundle.h"

#include <sys/stat.h>

using namespace mlora;
using namespace mlora::test;
namespace fs = std::filesystem;

namespace {

/// The compiler is a script that copies the bundle written by hand and counts its calls.
struct BundleCacheTest : testing::Test {
  TestBundle files;
  TempFolder folder;
  std::vector<std::string> messages;
  ProgramRequest request;

  BundleCacheTest() {
    folder.file("model/config.json", R"({"hidden_size": 8})");
    request.model = folder / "model";
    compiler("cp '" + (files.path() / "manifest.json").string() + "' '" +
             (files.path() / "program.so").string() + "' \"$out\"");
  }

  void compiler(const std::string &body) {
    folder.file("compiler",
                "#!/bin/sh\necho call >> '" + (folder / "calls").string() +
                    "'\nrequest=${1#--mlora-compile=}; out=${2#--mlora-bundle=}\ntest -f \"$request\" || "
                    "exit 9\n" +
                    body + "\n");
    chmod((folder / "compiler").c_str(), 0755);
  }

  BundleCache cache() {
    BundleCache cache(folder / "cache", folder / "compiler");
    cache.message = [this](const std::string &text) { messages.push_back(text); };
    return cache;
  }

  size_t calls() {
    if (!fs::exists(folder / "calls"))
      return 0;
    return size_t(fs::file_size(folder / "calls") / 5);
  }

  fs::path entry() { return folder / "cache" / cache().key(request); }
};

TEST_F(BundleCacheTest, CompilesOnceForEqualRequests) {
  EXPECT_FALSE(cache().get(request).cached);
  Bundle again = cache().get(request);
  EXPECT_TRUE(again.cached);
  EXPECT_EQ(again.manifest.kernels.size(), 6u);
  EXPECT_EQ(calls(), 1u);
  struct stat status {};
  stat((folder / "cache").c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_TRUE(fs::exists(entry() / "request.json"));
}

TEST_F(BundleCacheTest, TheKeyCoversWhatTheProgramDependsOn) {
  std::string first = cache().key(request);
  EXPECT_EQ(first.size(), 32u);
  ProgramRequest other = request;
  other.loraR = 7;
  EXPECT_NE(cache().key(other), first);
  // The same configuration elsewhere is the same program.
  folder.file("copy/config.json", R"({"hidden_size": 8})");
  other = request;
  other.model = folder / "copy";
  EXPECT_EQ(cache().key(other), first);
  folder.file("copy/config.json", R"({"hidden_size": 9})");
  EXPECT_NE(cache().key(other), first);
  compiler("another compiler");
  EXPECT_NE(cache().key(request), first);
}

TEST_F(BundleCacheTest, AProgramServesEveryLength) {
  request.capacity = {.rows = 512, .countedRows = 512, .kvRows = 512};
  EXPECT_FALSE(cache().get(request).cached);
  request.capacity = {.rows = 256, .countedRows = 256, .kvRows = 256};
  EXPECT_TRUE(cache().get(request).cached);
  EXPECT_EQ(calls(), 1u);
  EXPECT_FALSE(request.toJson().contains("capacity"));
  // What is computed again to stay within a budget depends on the rows.
  std::string unlimited = cache().key(request);
  request.memoryBudget = 1 << 20;
  std::string first = cache().key(request);
  EXPECT_NE(first, unlimited);
  request.capacity.rows = 257;
  EXPECT_NE(cache().key(request), first);
}

TEST_F(BundleCacheTest, ADamagedEntryIsCompiledAgain) {
  cache().get(request);
  for (const char *name : {"program.so", "manifest.json"}) {
    messages.clear();
    fs::resize_file(entry() / name, fs::file_size(entry() / name) - 1);
    EXPECT_FALSE(cache().get(request).cached) << name;
    ASSERT_FALSE(messages.empty());
    EXPECT_NE(messages[0].find("damaged"), std::string::npos);
    EXPECT_TRUE(cache().get(request).cached) << name;
  }
  fs::remove(entry() / "program.so");
  EXPECT_FALSE(cache().get(request).cached);
  EXPECT_EQ(calls(), 4u);
}

TEST_F(BundleCacheTest, AManifestThatStillParsesButIsAnotherIsCompiledAgain) {
  cache().get(request);
  nlohmann::json json = files.json;
  for (const char *key : {"/scratch_bytes", "/arena/fixed"}) {
    nlohmann::json &bytes = json[nlohmann::json::json_pointer(key)];
    bytes = bytes.get<int64_t>() + 64;
    folder.file(fs::relative(entry() / "manifest.json", folder.path()), json.dump(1));
    messages.clear();
    EXPECT_FALSE(cache().get(request).cached) << key;
    ASSERT_FALSE(messages.empty());
    EXPECT_NE(messages[0].find("manifest.xxh3"), std::string::npos) << messages[0];
    EXPECT_TRUE(cache().get(request).cached) << key;
  }
  fs::remove(entry() / "manifest.xxh3");
  EXPECT_FALSE(cache().get(request).cached);
  chmod((entry() / "manifest.json").c_str(), 0666);
  EXPECT_FALSE(cache().get(request).cached);
}

TEST_F(BundleCacheTest, CodeThatOthersCouldHaveWrittenIsNotLoaded) {
  cache().get(request);
  chmod((entry() / "program.so").c_str(), 0666);
  EXPECT_FALSE(cache().get(request).cached);
  // A link to a good file is refused too.
  fs::rename(entry() / "program.so", folder / "moved.so");
  fs::create_symlink(folder / "moved.so", entry() / "program.so");
  EXPECT_FALSE(cache().get(request).cached);
}

TEST_F(BundleCacheTest, TheFolderMustBeOurOwn) {
  fs::create_directory(folder / "cache");
  chmod((folder / "cache").c_str(), 0777);
  EXPECT_REFUSED(cache().get(request), "can be written by others", "MLORA_CACHE");
  fs::remove(folder / "cache");
  fs::create_directory(folder / "elsewhere");
  fs::create_symlink(folder / "elsewhere", folder / "cache");
  EXPECT_REFUSED(cache().get(request), "symbolic link");
}

TEST_F(BundleCacheTest, ACompilerThatFailsIsHeard) {
  compiler("echo 'config.json: no such shape' >&2; exit 3");
  EXPECT_REFUSED(cache().get(request), "status 3", "no such shape");
  // Status 2: the request is at fault; its message stands alone.
  compiler("echo 'error: memory_budget: more than allowed' >&2; exit 2");
  try {
    cache().get(request);
    ADD_FAILURE();
  } catch (const Error &error) {
    EXPECT_EQ(error.status, Status::BadInput);
    EXPECT_STREQ(error.what(), "memory_budget: more than allowed");
  }
  compiler("cp '" + (files.path() / "manifest.json").string() + "' \"$out\"");
  EXPECT_REFUSED(cache().get(request), "does not fit", "program.so");
  // Nothing is left behind.
  EXPECT_TRUE(fs::is_empty(folder / "cache"));
  fs::remove(folder / "compiler");
  EXPECT_REFUSED(cache().get(request), "is not there", "MLORA_OPT");
}

TEST_F(BundleCacheTest, OnlyItsOwnLeftoversAreRemoved) {
  auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
  auto put = [&](const std::string &name, const std::string &file) {
    fs::create_directories(folder / "cache" / name);
    if (!file.empty())
      folder.file("cache/" + name + "/" + file, "x");
    fs::last_write_time(folder / "cache" / name, old);
  };
  // Of a compiler that was killed, and of other programs where MLORA_CACHE is $HOME.
  std::vector<std::string> ours = {".mlora-new-abcdef", ".mlora-new-ABC123", ".mlora-new-aaaaaa"};
  put(ours[0], "bundle/request.json");
  put(ours[1], "damaged/request.json");
  put(ours[2], "");
  put(".new-abcdef", "bundle/request.json");
  put(".mlora-new-notes", "bundle/request.json");
  put(".mlora-new-bbbbbb", "thesis.tex");
  put(".mlora-new-cccccc", "bundle/request.json");
  folder.file("cache/.mlora-new-cccccc/thesis.tex", "x");
  fs::last_write_time(folder / "cache/.mlora-new-cccccc", old);
  folder.file("cache/.mlora-new-dddddd/bundle/request.json", "young");
  chmod((folder / "cache").c_str(), 0700);
  cache().get(request);
  for (const std::string &name : ours)
    EXPECT_FALSE(fs::exists(folder / "cache" / name)) << name;
  for (const char *name : {".new-abcdef/bundle/request.json", ".mlora-new-notes/bundle/request.json",
                           ".mlora-new-bbbbbb/thesis.tex", ".mlora-new-cccccc/thesis.tex",
                           ".mlora-new-dddddd/bundle/request.json"})
    EXPECT_TRUE(fs::exists(folder / "cache" / name)) << name;
}

TEST_F(BundleCacheTest, TwoBundlesLiveSideBySide) {
  Bundle a = cache().get(request), b = cache().get(request);
  EXPECT_NE(a.code->kernel("add"), b.code->kernel("add"));
}

} // namespace
