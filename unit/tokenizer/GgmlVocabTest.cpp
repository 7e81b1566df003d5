// llama.cpp's own test vectors: texts apart by a line __ggml_vocab_test__, a line of ids each.
#include "../TempFolder.h"
#include "Support.h"

#include <cstdlib>
#include <sstream>

using namespace mlora;
using namespace mlora::test;

namespace {

std::vector<std::string> textsOf(const std::string &input) {
  const std::string mark = "\n__ggml_vocab_test__\n";
  std::vector<std::string> texts;
  size_t begin = 0;
  for (size_t at = input.find(mark); at != input.npos; at = input.find(mark, begin)) {
    texts.push_back(input.substr(begin, at - begin));
    begin = at + mark.size();
  }
  return texts;
}

std::vector<Ids> idsOf(const std::string &output) {
  std::vector<Ids> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream numbers(line);
    lines.emplace_back();
    for (int32_t id; numbers >> id;)
      lines.back().push_back(id);
  }
  return lines;
}

void check(const Tokenizer &tokenizer, const std::string &name) {
  std::string file = shared("tokenizers/ggml-vocab/ggml-vocab-" + name + ".gguf").string();
  auto texts = textsOf(readFile(file + ".inp"));
  auto ids = idsOf(readFile(file + ".out"));
  // The last text has no mark behind it, or is empty.
  ASSERT_GE(texts.size(), 46u);
  ASSERT_GE(ids.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(tokenizer.encode(texts[i]), ids[i]) << i << ": " << texts[i];
}

/// The GGUF tokenizer and its files() as a folder.
void checkGguf(const std::string &name) {
  auto path = shared("tokenizers/ggml-vocab/ggml-vocab-" + name + ".gguf");
  NEED_FILE(path);
  auto tokenizer = Tokenizer::open(path);
  check(*tokenizer, name);
  TempFolder folder;
  for (const auto &[file, bytes] : tokenizer->files())
    folder.file(file, bytes);
  auto copy = Tokenizer::open(folder.path());
  check(*copy, name);
  EXPECT_EQ(copy->addsBos(), tokenizer->addsBos());
  EXPECT_EQ(copy->bos(), tokenizer->bos());
}

} // namespace

TEST(GgmlVocab, gpt2) { checkGguf("gpt-2"); }

TEST(GgmlVocab, llamaSentencePiece) { checkGguf("llama-spm"); }

TEST(GgmlVocab, llama3) {
  auto packed = shared("tokenizers/llama3/tokenizer.json.xz");
  NEED_FILE(packed);
  TempFolder folder;
  std::string command = "xz -dc '" + packed.string() + "' > '" + (folder / "tokenizer.json").string() + "'";
  if (std::system(command.c_str()) != 0)
    GTEST_SKIP() << "xz cannot unpack " << packed;
  check(*Tokenizer::open(folder.path()), "llama-bpe");
}

// Scores and Llama 2's own list of merges are two records of one vocabulary.
TEST(GgmlVocab, sentencePieceFromScoresIsLlama2) {
  auto gguf = shared("tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf");
  auto vectors = shared("goldens/tokenizers/tokenizer_vectors.json");
  NEED_FILE(gguf);
  NEED_FILE(vectors);
  auto tokenizer = Tokenizer::open(gguf);
  EXPECT_TRUE(tokenizer->addsBos());
  nlohmann::json rows = readJsonFile(vectors);
  for (const auto &row : rows.at("vectors")) {
    auto ids = row.at("llama2-hf").get<Ids>();
    EXPECT_EQ(tokenizer->encode(row.at("text").get<std::string>()), ids);
  }
}
