// Algorithms of cuBLASLt that are kept between runs.
#include "../../runtime/program/ProductChoices.h"

#include "../../runtime/program/CudaContext.h"
#include "../../runtime/program/CudaProducts.h"
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
};

TEST_F(ProductChoicesTest, AreThereInTheNextRun) {
  EXPECT_FALSE(open().find("8x8x8"));
  open().keep("8x8x8", algorithm(3));
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
  EXPECT_TRUE(open().find("a"));
  EXPECT_TRUE(open().find("b"));
}

TEST_F(ProductChoicesTest, OfAnotherLibraryDoNotCount) {
  open().keep("a", algorithm(1));
  EXPECT_FALSE(open(120000).find("a"));
  EXPECT_NE(ProductChoices::fileFor("c", "H200", 1), ProductChoices::fileFor("c", "H200", 2));
  EXPECT_NE(ProductChoices::fileFor("c", "H200", 1), ProductChoices::fileFor("c", "A100", 1));
}

TEST_F(ProductChoicesTest, DamageCountsAsNone) {
  open().keep("a", algorithm(1));
  for (const char *damage : {"", "{", "[]", R"({"gpu":"H200","cublaslt":130000,"choices":{"a":[1,2]}})",
                             R"({"gpu":"H200","cublaslt":130000,"choices":{"a":["x",0,0,0,0,0,0,0]}})"}) {
    writeFileAtomically(file, damage);
    EXPECT_FALSE(open().find("a")) << damage;
  }
  open().keep("a", algorithm(5)); // and is replaced
  EXPECT_TRUE(open().find("a"));
}

TEST_F(ProductChoicesTest, WithoutAFileNothingIsKept) {
  ProductChoices choices;
  choices.keep("a", algorithm(1));
  EXPECT_TRUE(choices.find("a"));
  ProductChoices unwritable("/proc/none/products.json", "H200", 1);
  unwritable.keep("a", algorithm(1));
  EXPECT_TRUE(unwritable.find("a"));
}

/// What is kept is taken only where the library offers it: the emulator's refuses an algorithm that is not its own.
TEST_F(ProductChoicesTest, AnAlgorithmThatIsNoLongerOfferedIsChosenAnew) {
  cuda::Table &table = cuda::emulated();
  CudaContext context(table);
  CudaStream stream = makeStream(table);
  CudaMemory memory = makeMemory(table, 3 * 256, "matrices"),
             workspace = makeMemory(table, CudaProducts::workspaceBytes, "the workspace");
  LibraryProduct product;
  product.n = product.k = product.lda = product.ldw = product.ldy = 8;
  auto run = [&] {
    CudaProducts products(table, stream.get(), open());
    products.open(workspace.get());
    auto at = [&](int i) { return reinterpret_cast<void *>(memory.get() + cuda::DevicePointer(256 * i)); };
    products.run(product, "y", 8, at(0), at(1), at(2), CudaProducts::Choice::Timed);
    check(table, table.driver.streamSynchronize(stream.get()), "cuStreamSynchronize");
  };
  run();
  nlohmann::json kept = readJsonFile(file);
  ASSERT_EQ(kept["choices"].size(), 1u);
  nlohmann::json first = kept["choices"].begin().value();
  run();
  EXPECT_EQ(readJsonFile(file), kept);
  kept["choices"].begin().value()[0] = 12345;
  writeFileAtomically(file, kept.dump());
  run();
  EXPECT_EQ(readJsonFile(file)["choices"].begin().value(), first);
}

} // namespace
