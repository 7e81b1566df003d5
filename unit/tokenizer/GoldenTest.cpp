// Real tokenizers on the 352 texts of shared/data/goldens/tokenizers.
#include "../TempFolder.h"
#include "Support.h"

#include <cstdlib>

using namespace mlora;
using namespace mlora::test;

namespace {

struct Golden : testing::Test {
  void SetUp() override {
    auto path = shared("goldens/tokenizers/tokenizer_vectors.json");
    NEED_FILE(path);
    vectors = readJsonFile(path);
  }

  void check(const Tokenizer &tokenizer, const std::string &name) {
    size_t count = 0;
    for (const auto &row : vectors.at("vectors")) {
      auto text = row.at("text").get<std::string>();
      auto ids = row.at(name).get<Ids>();
      EXPECT_EQ(tokenizer.encode(text), ids) << text;
      std::string decoded = text;
      if (row.contains("decoded") && row.at("decoded").contains(name))
        decoded = row.at("decoded").at(name).get<std::string>();
      EXPECT_EQ(tokenizer.decode(ids, false), decoded);
      ++count;
    }
    EXPECT_EQ(count, 352u);
    auto bos = vectors.at("bos").at(name).get<Ids>();
    EXPECT_EQ(tokenizer.addsBos(), !bos.empty());
    if (!bos.empty()) {
      EXPECT_EQ(tokenizer.bos(), bos[0]);
    }
  }

  nlohmann::json vectors;
};

/// The same tokenizer read back from what files() gives.
std::unique_ptr<Tokenizer> carriedAlong(const Tokenizer &tokenizer, const TempFolder &folder) {
  for (const auto &[name, bytes] : tokenizer.files())
    folder.file(name, bytes);
  return Tokenizer::open(folder.path());
}

} // namespace

TEST_F(Golden, smollm2FromGguf) {
  NEED_FILE(smollm2());
  auto tokenizer = Tokenizer::open(smollm2());
  check(*tokenizer, "smollm2");
  EXPECT_EQ(tokenizer->vocabSize(), 49152);
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_NE(tokenizer->chatTemplate().find("<|im_start|>"), std::string::npos);
  EXPECT_EQ(tokenizer->encode("<|im_start|>user\n"), (Ids{1, 4093, 198}));
}

TEST_F(Golden, filesOfAGgufTokenizerGiveTheSameIds) {
  NEED_FILE(smollm2());
  auto original = Tokenizer::open(smollm2());
  TempFolder folder;
  auto copy = carriedAlong(*original, folder);
  check(*copy, "smollm2");
  EXPECT_EQ(copy->chatTemplate(), original->chatTemplate());
  EXPECT_EQ(copy->eos(), original->eos());
}

TEST_F(Golden, llama2) {
  auto tokenizer = Tokenizer::open(shared("tokenizers/llama2-hf"));
  check(*tokenizer, "llama2-hf");
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_EQ(tokenizer->piece(15043), " Hello");
  EXPECT_EQ(tokenizer->piece(13), "<0x0A>");
  EXPECT_EQ(tokenizer->piece(1), "<s>");
  TempFolder folder;
  check(*carriedAlong(*tokenizer, folder), "llama2-hf");
}

TEST_F(Golden, tinyllama) {
  auto tokenizer = Tokenizer::open(shared("tokenizers/tinyllama-chat/tokenizer.json"));
  check(*tokenizer, "tinyllama-chat");
  EXPECT_NE(tokenizer->chatTemplate().find("<|assistant|>"), std::string::npos);
}

TEST_F(Golden, llama3) {
  TempFolder folder;
  std::string source = shared("tokenizers/llama3").string();
  folder.file("tokenizer_config.json", readFile(source + "/tokenizer_config.json"));
  std::string command =
      "xz -dc '" + source + "/tokenizer.json.xz' > '" + (folder / "tokenizer.json").string() + "'";
  if (std::system(command.c_str()) != 0)
    GTEST_SKIP() << "xz cannot unpack " << source << "/tokenizer.json.xz";
  auto tokenizer = Tokenizer::open(folder.path());
  check(*tokenizer, "llama3");
  EXPECT_EQ(tokenizer->vocabSize(), 128256);
  EXPECT_EQ(tokenizer->bos(), 128000);
}
