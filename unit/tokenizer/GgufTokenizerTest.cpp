// Tokenizers of GGUF files written here: both models, all pre-tokenisers, and what is refused.
#include "../Expect.h"
#include "../TempFolder.h"
#include "../model/GgufBuilder.h"
#include "Support.h"

using namespace mlora;
using namespace mlora::test;

namespace {

std::string arrayOf(uint32_t type, const std::vector<std::string> &values) {
  std::string bytes = GgufBuilder::raw(type) + GgufBuilder::raw(uint64_t(values.size()));
  for (const std::string &value : values)
    bytes += type == 8 ? GgufBuilder::text(value) : value;
  return bytes;
}

/// The keys of a tokenizer; a test changes what it is about.
struct Vocabulary {
  std::string model, pre;
  std::vector<std::string> tokens, merges;
  std::vector<float> scores;
  std::vector<int32_t> types;
  std::vector<std::pair<std::string, uint32_t>> integers;
  std::vector<std::pair<std::string, bool>> flags;

  std::string bytes() const {
    GgufBuilder file;
    std::vector<std::string> scoreBytes, typeBytes;
    for (float score : scores)
      scoreBytes.push_back(GgufBuilder::raw(score));
    for (int32_t type : types)
      typeBytes.push_back(GgufBuilder::raw(type));
    file.string("general.architecture", "llama");
    if (!model.empty())
      file.string("tokenizer.ggml.model", model);
    if (!pre.empty())
      file.string("tokenizer.ggml.pre", pre);
    file.pair("tokenizer.ggml.tokens", 9, arrayOf(8, tokens));
    if (!merges.empty())
      file.pair("tokenizer.ggml.merges", 9, arrayOf(8, merges));
    if (!scores.empty())
      file.pair("tokenizer.ggml.scores", 9, arrayOf(6, scoreBytes));
    if (!types.empty())
      file.pair("tokenizer.ggml.token_type", 9, arrayOf(5, typeBytes));
    for (const auto &[key, value] : integers)
      file.integer("tokenizer.ggml." + key, value);
    for (const auto &[key, value] : flags)
      file.pair("tokenizer.ggml." + key, 7, std::string(1, value));
    return file.bytes();
  }
};

/// A space, letters, digits; `ab`, ` a` and `12` merge.
Vocabulary byteLevel(const std::string &pre) {
  Vocabulary result;
  result.model = "gpt2";
  result.pre = pre;
  result.tokens = {"<end>", "Ġ", "a",  "b",  "1", "2",  "3", "4", "'", "s",  "S",   "ab",   "Ġa", "12",
                   "Ã",     "©", "Ã©", "'s", "Ċ", "ĠĠ", "e", "Ì", "ģ", "Ġ1", "123", "1234", "!"};
  result.merges = {"a b", "Ġ a", "1 2", "Ã ©", "' s", "Ġ Ġ", "Ġ 1", "12 3", "123 4"};
  result.types.assign(result.tokens.size(), 1);
  result.types[0] = 3;
  result.integers = {{"bos_token_id", 0}, {"eos_token_id", 0}};
  return result;
}

/// Pieces whose scores say: ab before bc, a▁ last.
Vocabulary sentencePiece() {
  Vocabulary result;
  result.model = "llama";
  result.tokens = {"<unk>", "<s>", "</s>", "<0x0A>", "▁",      "a",  "b",  "c",
                   "▁a",    "ab",  "bc",   "abc",    "<user>", "aa", "aaa"};
  result.scores = {0, 0, 0, 0, -100, -101, -102, -103, -9, -1, -2, -3, 0, -4, -5};
  result.types = {2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1, 1};
  result.integers = {{"bos_token_id", 1}, {"eos_token_id", 2}, {"unknown_token_id", 0}};
  return result;
}

struct GgufTokenizer : testing::Test {
  auto open(const Vocabulary &vocabulary) {
    return Tokenizer::open(folder.file("v.gguf", vocabulary.bytes()));
  }

  /// Ids, which must be the same after files() has gone through a folder.
  Ids ids(const Vocabulary &vocabulary, const std::string &text) {
    auto tokenizer = open(vocabulary);
    for (const auto &[name, bytes] : tokenizer->files())
      folder.file("copy/" + name, bytes);
    auto copy = Tokenizer::open(folder / "copy");
    EXPECT_EQ(copy->encode(text), tokenizer->encode(text));
    EXPECT_EQ(copy->bos(), tokenizer->bos());
    EXPECT_EQ(copy->eos(), tokenizer->eos());
    EXPECT_EQ(copy->addsBos(), tokenizer->addsBos());
    EXPECT_EQ(copy->vocabSize(), tokenizer->vocabSize());
    return tokenizer->encode(text);
  }
  TempFolder folder;
};

} // namespace

TEST_F(GgufTokenizer, preTokenizersDiffer) {
  // smollm: each digit alone, and white space before a digit is a piece of its own.
  EXPECT_EQ(ids(byteLevel("smollm"), "ab 12"), (Ids{11, 1, 4, 5}));
  EXPECT_EQ(ids(byteLevel("gpt-2"), "ab 12"), (Ids{11, 1, 13})) << "12 merges before the space and 1";
  EXPECT_EQ(ids(byteLevel("gpt-2"), "1234'S"), (Ids{25, 8, 10})) << "no merges of the whole";
  EXPECT_EQ(ids(byteLevel("llama-bpe"), "1234"), (Ids{24, 7})) << "three digits at most";
  EXPECT_EQ(ids(byteLevel("qwen2"), "1234"), (Ids{4, 5, 6, 7}));
  EXPECT_EQ(ids(byteLevel("qwen2"), "e\xCC\x81"), Ids{16}) << "NFC";
  EXPECT_EQ(ids(byteLevel("llama-bpe"), "e\xCC\x81"), (Ids{20, 21, 22}));
  EXPECT_EQ(ids(byteLevel("default"), " 1234"), (Ids{1, 24, 7}));
  EXPECT_EQ(ids(byteLevel("default"), "a's"), (Ids{2, 8, 9})) << "punctuation stands alone";
  EXPECT_EQ(ids(byteLevel(""), "a's"), (Ids{2, 8, 9})) << "no name means default";
  EXPECT_EQ(ids(byteLevel("gpt-2"), "a's"), (Ids{2, 17}));
}

TEST_F(GgufTokenizer, bytesWithoutATokenAreDroppedBeforeMerging) {
  EXPECT_EQ(ids(byteLevel("gpt-2"), "axb"), (Ids{11}));
}

TEST_F(GgufTokenizer, controlTokensAreSpecial) {
  auto tokenizer = open(byteLevel("gpt-2"));
  EXPECT_EQ(tokenizer->encode("a<end>b"), (Ids{2, 0, 3}));
  EXPECT_EQ(tokenizer->decode(Ids{2, 0, 3}), "ab");
  EXPECT_EQ(tokenizer->decode(Ids{2, 0, 3}, false), "a<end>b");
}

TEST_F(GgufTokenizer, bosIsAddedAsTheFileOrTheKindSays) {
  EXPECT_FALSE(open(byteLevel("gpt-2"))->addsBos());
  EXPECT_TRUE(open(byteLevel("llama-bpe"))->addsBos());
  EXPECT_TRUE(open(sentencePiece())->addsBos());
  Vocabulary vocabulary = sentencePiece();
  vocabulary.flags = {{"add_bos_token", false}};
  EXPECT_FALSE(open(vocabulary)->addsBos());
}

TEST_F(GgufTokenizer, scoresRankMerges) {
  EXPECT_EQ(ids(sentencePiece(), "abc"), (Ids{4, 11}));
  EXPECT_EQ(ids(sentencePiece(), "bc"), (Ids{4, 10}));
  EXPECT_EQ(ids(sentencePiece(), "ac"), (Ids{8, 7}));
  EXPECT_EQ(ids(sentencePiece(), "aaaaa"), (Ids{4, 13, 14})) << "▁ aa aa a, then the pair on the right";
  EXPECT_EQ(ids(sentencePiece(), "a\nxyc"), (Ids{8, 3, 0, 7})) << "bytes, and unknown ones fused";
  EXPECT_EQ(ids(sentencePiece(), "a<user>a</s>"), (Ids{8, 12, 8, 2}));
  auto tokenizer = open(sentencePiece());
  EXPECT_EQ(tokenizer->decode(Ids{8, 3, 8}), "a\n a");
  EXPECT_EQ(tokenizer->piece(8), " a");
}

TEST_F(GgufTokenizer, noSpaceInFrontWhenTheFileSaysSo) {
  Vocabulary vocabulary = sentencePiece();
  vocabulary.flags = {{"add_space_prefix", false}};
  EXPECT_EQ(ids(vocabulary, "abc"), Ids{11});
  EXPECT_EQ(open(vocabulary)->decode(Ids{8, 8}), " a a");
}

TEST_F(GgufTokenizer, refused) {
  auto refuse = [&](Vocabulary vocabulary, auto change, std::string said) {
    change(vocabulary);
    EXPECT_REFUSED(open(vocabulary), "v.gguf", said);
  };
  auto bytes = byteLevel("gpt-2");
  auto pieces = sentencePiece();
  refuse(
      bytes, [](Vocabulary &v) { v.pre = "klingon"; }, "klingon");
  refuse(
      bytes, [](Vocabulary &v) { v.model = "bert"; }, "bert");
  refuse(
      bytes, [](Vocabulary &v) { v.model = ""; }, "no tokenizer");
  refuse(
      bytes, [](Vocabulary &v) { v.tokens.clear(); }, "no tokenizer");
  refuse(
      bytes, [](Vocabulary &v) { v.merges.clear(); }, "merges");
  refuse(
      bytes, [](Vocabulary &v) { v.merges[1] = "ab"; }, "merges[1]");
  refuse(
      bytes, [](Vocabulary &v) { v.merges[1] = "a q"; }, "merges[1]");
  refuse(
      bytes, [](Vocabulary &v) { v.tokens[5] = "a"; }, "tokens[5]");
  refuse(
      bytes, [](Vocabulary &v) { v.tokens[5] = "\xFF"; }, "tokens[5]");
  refuse(
      bytes, [](Vocabulary &v) { v.types.pop_back(); }, "token_type");
  refuse(
      bytes, [](Vocabulary &v) { v.types[2] = 9; }, "token_type[2]");
  refuse(
      bytes, [](Vocabulary &v) { v.integers[0].second = 1000; }, "bos_token_id");
  refuse(
      pieces, [](Vocabulary &v) { v.scores.clear(); }, "scores");
  refuse(
      pieces, [](Vocabulary &v) { v.scores.pop_back(); }, "scores");
  refuse(
      pieces, [](Vocabulary &v) { v.pre = "viking"; }, "viking");
}
