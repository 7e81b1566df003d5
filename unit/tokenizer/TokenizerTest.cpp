// What the interface promises beyond ids: special tokens, malformed text, long text, threads.
#include "../TempFolder.h"
#include "Support.h"

#include <chrono>
#include <thread>

using namespace mlora;
using namespace mlora::test;
using nlohmann::json;

namespace {

json bosTemplate(const std::string &token, int id) {
  json special = {{"SpecialToken", {{"id", token}, {"type_id", 0}}}},
       text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  return {{"type", "TemplateProcessing"},
          {"single", json::array({special, text})},
          {"pair", json::array()},
          {"special_tokens",
           {{token, {{"id", token}, {"ids", json::array({id})}, {"tokens", json::array({token})}}}}}};
}

/// All bytes, and words of a real text as merges.
json byteLevelTokenizer() {
  json peer = readJsonFile(std::filesystem::path(MLORA_SOURCE) / "unit/tokenizer/peer_cases.json");
  json part = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  return smallTokenizer(peer.at("models").at("bytes"), {{"pre_tokenizer", part}, {"decoder", part}});
}

json sentencePieceTokenizer() {
  json peer = readJsonFile(std::filesystem::path(MLORA_SOURCE) / "unit/tokenizer/peer_cases.json");
  return smallTokenizer(peer.at("models").at("pieces"));
}

double secondsToEncode(const Tokenizer &tokenizer, const std::string &text) {
  auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(tokenizer.encode(text).empty());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

TEST(TokenizerFolder, specialTokensComeFromTheConfiguration) {
  TempFolder folder;
  folder.file("tokenizer.json", smallTokenizer(letters()).dump());
  folder.file(
      "tokenizer_config.json",
      R"({"bos_token": {"content": "a"}, "eos_token": "b", "add_bos_token": true, "chat_template": "{{x}}"})");
  auto tokenizer = Tokenizer::open(folder.path());
  EXPECT_EQ(tokenizer->bos(), 0);
  EXPECT_EQ(tokenizer->eos(), 1);
  EXPECT_TRUE(tokenizer->addsBos());
  EXPECT_EQ(tokenizer->chatTemplate(), "{{x}}");
  EXPECT_EQ(tokenizer->encode("c"), Ids{2}) << "encode adds no BOS";
}

TEST(TokenizerFolder, otherPlacesOfSpecialTokensAndTemplates) {
  TempFolder folder;
  folder.file("tokenizer.json", smallTokenizer(letters()).dump());
  folder.file("special_tokens_map.json", R"({"bos_token": "c", "eos_token": {"content": "b"}})");
  folder.file(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "tools", "template": "T"}, {"name": "default", "template": "D"}]})");
  auto tokenizer = Tokenizer::open(folder.path());
  EXPECT_EQ(tokenizer->bos(), 2);
  EXPECT_EQ(tokenizer->eos(), 1);
  EXPECT_FALSE(tokenizer->addsBos());
  EXPECT_EQ(tokenizer->chatTemplate(), "D");
  EXPECT_EQ(tokenizer->chatTemplateFile(), folder.path() / "tokenizer_config.json");
  folder.file("chat_template.jinja", "J");
  EXPECT_EQ(Tokenizer::open(folder.path())->chatTemplate(), "J");
  EXPECT_EQ(Tokenizer::open(folder.path())->chatTemplateFile(), folder.path() / "chat_template.jinja");
}

TEST(TokenizerFolder, bosFromTheTemplateUnlessTheConfigurationSaysNo) {
  TempFolder folder;
  json sequence = {{"type", "Sequence"},
                   {"processors", json::array({{{"type", "ByteLevel"}}, bosTemplate("c", 2)})}};
  folder.file("tokenizer.json", smallTokenizer(letters(), {{"post_processor", sequence}}).dump());
  auto tokenizer = Tokenizer::open(folder.path());
  EXPECT_TRUE(tokenizer->addsBos());
  EXPECT_EQ(tokenizer->bos(), 2);
  folder.file("tokenizer_config.json", R"({"add_bos_token": false})");
  EXPECT_FALSE(Tokenizer::open(folder.path())->addsBos());
}

TEST(TokenizerFolder, filesAreCarriedAlong) {
  TempFolder folder;
  std::string text = smallTokenizer(letters()).dump(1);
  auto path = folder.file("some-name.json", text);
  folder.file("tokenizer_config.json", "{}");
  folder.file("unrelated.json", "{}");
  std::vector<std::pair<std::string, std::string>> expected = {{"tokenizer.json", text},
                                                               {"tokenizer_config.json", "{}"}};
  EXPECT_EQ(Tokenizer::open(path)->files(), expected);
}

TEST(TokenizerText, malformedUtf8IsReplacedAsRustDoes) {
  TempFolder folder;
  auto tokenizer = Tokenizer::open(folder.file("tokenizer.json", byteLevelTokenizer().dump()));
  const std::string mark = "\xEF\xBF\xBD";
  const std::pair<std::string, std::string> cases[] = {
      {"a\x80z", "a" + mark + "z"},
      {"\xE2\x82", mark}, // cut short
      {"\xE2\x82z", mark + "z"},
      {"\xF0\x9F\x91", mark},
      {"\xC1\xBF", mark + mark},                       // overlong
      {"\xED\xA0\x80", mark + mark + mark},            // a surrogate
      {"\xF4\x90\x80\x80", mark + mark + mark + mark}, // above 10FFFF
      {"\xFF\xFE", mark + mark},
  };
  for (const auto &[bad, good] : cases)
    EXPECT_EQ(tokenizer->encode(bad), tokenizer->encode(good));
}

TEST(TokenizerText, decodeLeavesUnknownIdsOut) {
  TempFolder folder;
  auto tokenizer = Tokenizer::open(folder.file("tokenizer.json", smallTokenizer(letters()).dump()));
  EXPECT_EQ(tokenizer->decode(Ids{0, -1, 99, INT32_MAX, INT32_MIN, 4}), "a abc");
  EXPECT_EQ(tokenizer->decode({}), "");
  EXPECT_EQ(tokenizer->piece(99), "<id 99>");
  EXPECT_EQ(tokenizer->piece(-1), "<id -1>");
}

TEST(TokenizerText, aPieceThatIsNoTextShowsItsBytes) {
  TempFolder folder;
  auto tokenizer = Tokenizer::open(folder.file("tokenizer.json", byteLevelTokenizer().dump()));
  Ids ids = tokenizer->encode(" 😀");
  ASSERT_GE(ids.size(), 2u);
  EXPECT_EQ(tokenizer->piece(tokenizer->encode("\n")[0]), "\n");
  EXPECT_EQ(tokenizer->decode(ids), " 😀");
  EXPECT_EQ(tokenizer->decode(std::span(ids).first(ids.size() - 1)), " \xEF\xBF\xBD");
  EXPECT_EQ(tokenizer->piece(ids.back()), "<0x80>");
}

// A quadratic method would take hours for the pieces of a megabyte.
TEST(TokenizerText, aMegabyteIsFine) {
  TempFolder folder;
  auto byteLevel = Tokenizer::open(folder.file("b/tokenizer.json", byteLevelTokenizer().dump()));
  auto pieces = Tokenizer::open(folder.file("p/tokenizer.json", sentencePieceTokenizer().dump()));
  std::string words;
  while (words.size() < 1'000'000)
    words += " the lowest 12 newer don't\n";
  for (const std::string &text :
       {words, std::string(1'000'000, 'a'), std::string(1'000'000, ' '), std::string(1'000'000, '\n'),
        std::string(1'000'000, '1'), std::string(1'000'000, '\xFF')}) {
    EXPECT_LT(secondsToEncode(*byteLevel, text), 20);
    EXPECT_LT(secondsToEncode(*pieces, text), 20);
  }
}

TEST(TokenizerText, threadsShareATokenizer) {
  TempFolder folder;
  auto tokenizer = Tokenizer::open(folder.file("tokenizer.json", byteLevelTokenizer().dump()));
  auto textOf = [](int i) {
    return "the lowest " + std::to_string(i % 97) + " newer wider " + std::to_string(i % 31);
  };
  std::vector<Ids> expected;
  for (int i = 0; i < 3007; ++i)
    expected.push_back(tokenizer->encode(textOf(i)));
  auto fresh = Tokenizer::open(folder / "tokenizer.json"); // with an empty cache
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 3007; ++i)
        wrong[t] += fresh->encode(textOf(i)) != expected[i];
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}
