// Algorithms of cuBLASLt that are kept between runs.
#include "../../runtime/program/ProductChoices.h"

#include "../TempFolder.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"

#include <gtest/gtest.h>

using namespace mlora;
using namespace mlora::test;

namespace {

cuda::Algorithm algorithm(uint64_t first) {
  cuda::Algorithm made;
  for (uint64_t i = 0; i < 8; ++i)
    made.data[i] = first + (i << 60);
  return made;
}

struct ProductChoicesTest : testing::Test {
  TempFolder folder;
  std::filesystem::path file = ProductChoices::fileFor(folder.path() / "cache", "H200", 130000);
  ProductChoices open(size_t version = 130000) { return {file, "H200", version}; }
  void keep(const std::string &shape, const cuda::Algorithm &algorithm) {
    ProductChoices choices = open();
    choices.keep(shape, algorithm);
    choices.save();
  }
};

TEST_F(ProductChoicesTest, AreThereInTheNextRun) {
  EXPECT_FALSE(open().find("8x8x8"));
  keep("8x8x8", algorithm(3));
  auto found = open().find("8x8x8");
  ASSERT_TRUE(found);
  for (size_t i = 0; i < 8; ++i)
    EXPECT_EQ(found->data[i], algorithm(3).data[i]);
  EXPECT_FALSE(open().find("8x8x16"));
}

TEST_F(ProductChoicesTest, OfTwoProcessesBothStay) {
  ProductChoices one = open(), other = open();
  one.keep("a", algorithm(1));
  other.keep("b", algorithm(2));
  one.save();
  other.save();
  EXPECT_TRUE(open().find("a"));
  EXPECT_TRUE(open().find("b"));
}

TEST_F(ProductChoicesTest, AreWrittenOnceForManyShapes) {
  ProductChoices choices = open();
  choices.keep("a", algorithm(1));
  choices.keep("b", algorithm(2));
  EXPECT_FALSE(std::filesystem::exists(file));
  choices.save();
  EXPECT_TRUE(open().find("b"));
  std::filesystem::remove(file);
  choices.save(); // nothing new
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ProductChoicesTest, AreSharedInAProcess) {
  ProductChoices::shared(file, "H200", 1).keep("a", algorithm(1));
  EXPECT_TRUE(ProductChoices::shared(file, "H200", 1).find("a"));
  EXPECT_FALSE(ProductChoices::shared(folder / "other.json", "H200", 1).find("a"));
}

TEST_F(ProductChoicesTest, OfAnotherLibraryDoNotCount) {
  keep("a", algorithm(1));
  EXPECT_FALSE(open(120000).find("a"));
  EXPECT_NE(ProductChoices::fileFor("c", "H200", 1), ProductChoices::fileFor("c", "H200", 2));
  EXPECT_NE(ProductChoices::fileFor("c", "H200", 1), ProductChoices::fileFor("c", "A100", 1));
}

TEST_F(ProductChoicesTest, DamageCountsAsNone) {
  keep("a", algorithm(1));
  for (const char *damage : {"", "{", "[]", R"({"gpu":"H200","cublaslt":130000,"choices":{"a":[1,2]}})",
                             R"({"gpu":"H200","cublaslt":130000,"choices":{"a":["x",0,0,0,0,0,0,0]}})"}) {
    writeFileAtomically(file, damage);
    EXPECT_FALSE(open().find("a")) << damage;
  }
  keep("a", algorithm(5)); // and is replaced
  nlohmann::json changed = readJsonFile(file);
  changed["choices"]["a"][0] = 6;
  writeFileAtomically(file, changed.dump());
  EXPECT_FALSE(open().find("a")) << "words that are not the library's";
  keep("a", algorithm(5));
  EXPECT_TRUE(open().find("a"));
}

TEST_F(ProductChoicesTest, WithoutAFileNothingIsKept) {
  ProductChoices choices;
  choices.keep("a", algorithm(1));
  EXPECT_TRUE(choices.find("a"));
  ProductChoices unwritable("/proc/none/products.json", "H200", 1);
  unwritable.keep("a", algorithm(1));
  unwritable.save();
  EXPECT_TRUE(unwritable.find("a"));
}

} // namespace
