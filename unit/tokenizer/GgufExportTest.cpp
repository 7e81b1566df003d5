// Tokenizers as GGUF metadata, beside the vocabularies that llama.cpp's converter made of the same ones.
#include "mlora/Runtime/Tokenizer/GgufExport.h"
#include "../Expect.h"
#include "../TempFolder.h"
#include "Support.h"
#include "mlora/Runtime/Model/Gguf.h"

using namespace mlora;
using namespace mlora::test;

namespace {

ModelConfig sized(int64_t vocabulary) {
  ModelConfig config;
  config.vocabSize = vocabulary;
  return config;
}

/// A file of metadata alone.
std::filesystem::path written(const TempFolder &folder, const GgufFields &fields) {
  GgufHead head;
  head.add("general.architecture", std::string("llama"));
  for (const auto &[key, value] : fields)
    head.add(key, value);
  return folder.file("vocabulary.gguf", head.bytes());
}

} // namespace

TEST(GgufExport, LlamaIsWhatTheConverterMakes) {
  NEED_FILE(shared("tokenizers/llama2-hf"));
  NEED_FILE(shared("tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf"));
  TempFolder folder;
  auto tokenizer = Tokenizer::open(shared("tokenizers/llama2-hf"));
  GgufFile ours(written(folder, ggufTokenizer(*tokenizer, sized(32000))));
  GgufFile theirs(shared("tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf"));
  for (const char *key : {"tokens", "token_type", "model", "bos_token_id", "eos_token_id"})
    EXPECT_TRUE(ours.values().at(std::string("tokenizer.ggml.") + key) ==
                theirs.values().at(std::string("tokenizer.ggml.") + key))
        << key;
  // SentencePiece's own scores fall by one a token, but for pieces of spaces alone, which have all the same
  // (-1e9); a tokenizer.json has the order alone.
  const std::vector<double> &have = *ours.numbers("tokenizer.ggml.scores"),
                            &want = *theirs.numbers("tokenizer.ggml.scores");
  ASSERT_EQ(have.size(), want.size());
  for (size_t id = 260, before = 259; id < have.size(); ++id)
    if (want[id] > -1e8) {
      if (before > 259) {
        EXPECT_LT(have[id], have[before]) << id;
      }
      before = id;
    }
  EXPECT_EQ(ours.boolean("tokenizer.ggml.add_bos_token"), true);
  EXPECT_EQ(ours.integer("tokenizer.ggml.unknown_token_id"), 0);
}

TEST(GgufExport, ReadBackGivesTheSameIds) {
  const std::string text = "Hello  world, 12345 naïve ▁x\n\tstraße 漢字 <s>!";
  for (const char *name : {"llama2-hf", "tinyllama-chat"}) {
    NEED_FILE(shared(std::string("tokenizers/") + name));
    TempFolder folder;
    auto tokenizer = Tokenizer::open(shared(std::string("tokenizers/") + name));
    auto back = Tokenizer::open(written(folder, ggufTokenizer(*tokenizer, sized(32000))));
    EXPECT_EQ(back->encode(text), tokenizer->encode(text)) << name;
    EXPECT_EQ(back->bos(), tokenizer->bos());
    EXPECT_EQ(back->eos(), tokenizer->eos());
    EXPECT_EQ(back->addsBos(), tokenizer->addsBos());
    EXPECT_EQ(back->chatTemplate(), tokenizer->chatTemplate());
  }
}

TEST(GgufExport, ByteLevelHasItsPreTokenizersName) {
  NEED_FILE(smollm2());
  TempFolder folder;
  GgufFile theirs(smollm2());
  auto tokenizer = Tokenizer::open(smollm2());
  GgufFile ours(written(folder, ggufTokenizer(*tokenizer, sized(49152))));
  for (const char *key : {"tokens", "token_type", "merges", "model", "pre", "bos_token_id", "eos_token_id"})
    EXPECT_TRUE(ours.values().at(std::string("tokenizer.ggml.") + key) ==
                theirs.values().at(std::string("tokenizer.ggml.") + key))
        << key;
  EXPECT_EQ(ours.string("tokenizer.chat_template"), theirs.string("tokenizer.chat_template"));
}

TEST(GgufExport, RefusesWhatLlamaCppWouldReadOtherwise) {
  TempFolder folder;
  nlohmann::json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "a+"}}}, {"behavior", "Isolated"}, {"invert", false}};
  folder.file("tokenizer.json", smallTokenizer(letters(), {{"pre_tokenizer", split}}).dump());
  auto tokenizer = Tokenizer::open(folder.path());
  EXPECT_REFUSED(ggufTokenizer(*tokenizer, sized(5)), "no name in GGUF", "llama-bpe");
  nlohmann::json gpt2 = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", true}};
  folder.file("tokenizer.json", smallTokenizer(letters(), {{"pre_tokenizer", gpt2}}).dump());
  tokenizer = Tokenizer::open(folder.path());
  EXPECT_REFUSED(ggufTokenizer(*tokenizer, sized(4)), "5 tokens, the model 4");
  GgufFile padded(written(folder, ggufTokenizer(*tokenizer, sized(7))));
  EXPECT_EQ(padded.string("tokenizer.ggml.pre"), "gpt-2");
  EXPECT_EQ(padded.strings("tokenizer.ggml.tokens")->back(), "[PAD6]");
  EXPECT_EQ(padded.integers("tokenizer.ggml.token_type")->back(), 5);
}
