// Files that are no tokenizer, or one that would tokenise differently here: each is an error that names the
// place.
#include "../Expect.h"
#include "../TempFolder.h"
#include "Support.h"

using namespace mlora;
using namespace mlora::test;
using nlohmann::json;

namespace {

struct BadTokenizer : testing::Test {
  auto open(const json &tokenizer) { return openText(tokenizer.dump()); }
  std::unique_ptr<Tokenizer> openText(const std::string &text) {
    return Tokenizer::open(folder.file("tokenizer.json", text));
  }
  auto withModel(const char *key, const json &value) {
    json model = letters();
    model[key] = value;
    return open(smallTokenizer(model));
  }
  auto withPart(const char *key, const json &value) {
    return open(smallTokenizer(letters(), {{key, value}}));
  }
  auto withAdded(const json &token) { return withPart("added_tokens", json::array({token})); }
  TempFolder folder;
};

} // namespace

TEST_F(BadTokenizer, theSmallOneItselfIsGood) {
  auto tokenizer = open(smallTokenizer(letters()));
  EXPECT_EQ(tokenizer->encode("cabcba"), (Ids{2, 4, 1, 0}));
  EXPECT_EQ(tokenizer->vocabSize(), 5);
  EXPECT_FALSE(tokenizer->bos() || tokenizer->eos() || tokenizer->addsBos());
  EXPECT_EQ(tokenizer->chatTemplate(), "");
}

TEST_F(BadTokenizer, paths) {
  EXPECT_REFUSED(Tokenizer::open(folder / "nowhere"), "nowhere", "no such file");
  EXPECT_REFUSED(Tokenizer::open(folder.path()), "tokenizer.json", "no such file");
}

TEST_F(BadTokenizer, json) {
  EXPECT_REFUSED(openText(""), "tokenizer.json");
  EXPECT_REFUSED(openText("{\n \"model\": {"), "tokenizer.json:2");
  EXPECT_REFUSED(openText("[]"), "object");
  EXPECT_REFUSED(openText("{}"), "model");
  EXPECT_REFUSED(openText(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})"), "\"a\"");
}

TEST_F(BadTokenizer, topLevel) {
  EXPECT_REFUSED(withPart("version", "2.0"), "version", "2.0");
  EXPECT_REFUSED(withPart("surprise", 1), "surprise");
  EXPECT_REFUSED(withPart("model", "BPE"), "model");
  EXPECT_REFUSED(withPart("added_tokens", 3), "added_tokens");
}

TEST_F(BadTokenizer, model) {
  EXPECT_REFUSED(withModel("type", "Unigram"), "Unigram", "BPE");
  EXPECT_REFUSED(withModel("type", "WordPiece"), "WordPiece");
  EXPECT_REFUSED(withModel("vocab", nullptr), "vocab");
  EXPECT_REFUSED(withModel("vocab", {{"a", "0"}}), "\"a\"", "an id");
  EXPECT_REFUSED(withModel("vocab", {{"a", -1}}), "\"a\"", "-1");
  EXPECT_REFUSED(withModel("vocab", {{"a", 1e30}}), "\"a\"");
  EXPECT_REFUSED(withModel("vocab", {{"a", 9'000'000'000}}), "\"a\"", "9000000000");
  EXPECT_REFUSED(withModel("vocab", {{"a", 0}, {"b", 0}}), "\"b\"", "\"a\"");
  EXPECT_REFUSED(withModel("merges", {"ab"}), "merges[0]");
  EXPECT_REFUSED(withModel("merges", {"a b", "a b c"}), "merges[1]");
  EXPECT_REFUSED(withModel("merges", {{"a", "b", "c"}}), "merges[0]");
  EXPECT_REFUSED(withModel("merges", {"a z"}), "merges[0]", "z\"");
  EXPECT_REFUSED(withModel("merges", {"b a"}), "merges[0]", "\"ba\"");
  EXPECT_REFUSED(withModel("merges", 7), "merges");
  EXPECT_REFUSED(withModel("unk_token", "<unk>"), "unk_token", "<unk>");
  EXPECT_REFUSED(withModel("dropout", 0.1), "dropout");
  EXPECT_REFUSED(withModel("continuing_subword_prefix", "##"), "continuing_subword_prefix");
  EXPECT_REFUSED(withModel("end_of_word_suffix", "</w>"), "end_of_word_suffix");
  EXPECT_REFUSED(withModel("byte_fallback", "yes"), "byte_fallback");
  EXPECT_REFUSED(withModel("novelty", true), "novelty");
}

TEST_F(BadTokenizer, parts) {
  EXPECT_REFUSED(withPart("normalizer", {{"type", "Lowercase"}}), "normalizer", "Lowercase");
  EXPECT_REFUSED(withPart("normalizer", {{"type", "NFC"}, {"fast", true}}), "fast");
  EXPECT_REFUSED(withPart("normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Strip"}}}}}),
                 "normalizers[0]", "Strip");
  EXPECT_REFUSED(withPart("normalizer", {{"kind", "NFC"}}), "type");
  EXPECT_REFUSED(withPart("pre_tokenizer", {{"type", "Whitespace"}}), "pre_tokenizer", "Whitespace");
  EXPECT_REFUSED(
      withPart("pre_tokenizer", {{"type", "Split"}, {"pattern", {{"Regex", "("}}}, {"behavior", "Isolated"}}),
      "pattern", "(");
  EXPECT_REFUSED(withPart("pre_tokenizer",
                          {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Sideways"}}),
                 "behavior");
  EXPECT_REFUSED(
      withPart("pre_tokenizer", {{"type", "Split"}, {"pattern", {{"Glob", "*"}}}, {"behavior", "Removed"}}),
      "Glob");
  EXPECT_REFUSED(withPart("pre_tokenizer", {{"type", "Metaspace"}, {"prepend_scheme", "sometimes"}}),
                 "prepend_scheme");
  EXPECT_REFUSED(withPart("decoder", {{"type", "WordPiece"}}), "decoder", "WordPiece");
  EXPECT_REFUSED(withPart("post_processor", {{"type", "BertProcessing"}}), "post_processor",
                 "BertProcessing");
  EXPECT_REFUSED(withPart("post_processor", {{"type", "TemplateProcessing"}, {"single", json::array()}}),
                 "single");
}

TEST_F(BadTokenizer, addedTokens) {
  EXPECT_REFUSED(withAdded({{"id", 9}, {"content", "<x>"}}), "<x>", "9", "5");
  EXPECT_REFUSED(withAdded({{"id", 5}, {"content", "a"}}), "\"a\"", "5", "0");
  EXPECT_REFUSED(withAdded({{"id", 5}, {"content", ""}}), "content");
  EXPECT_REFUSED(withAdded({{"id", -1}, {"content", "<x>"}}), "id");
  EXPECT_REFUSED(withAdded({{"id", 5}, {"content", "<x>"}, {"shy", true}}), "shy");
}

TEST_F(BadTokenizer, configuration) {
  folder.file("tokenizer_config.json", R"({"bos_token": "<nobody>"})");
  EXPECT_REFUSED(open(smallTokenizer(letters())), "<nobody>", "bos_token");
  folder.file("tokenizer_config.json", R"({"eos_token": 3})");
  EXPECT_REFUSED(open(smallTokenizer(letters())), "eos_token");
  folder.file("tokenizer_config.json", "nonsense");
  EXPECT_REFUSED(open(smallTokenizer(letters())), "tokenizer_config.json");
}
