// Small tokenizers of every supported part, against ids and texts that Hugging Face's library gave
// (make_peer_cases.py).
#include "../TempFolder.h"
#include "Support.h"

using namespace mlora;
using namespace mlora::test;

TEST(PeerCases, idsAndTextsAreThoseOfHuggingFace) {
  nlohmann::json peer = readJsonFile(std::filesystem::path(MLORA_SOURCE) / "unit/tokenizer/peer_cases.json");
  TempFolder folder;
  size_t rows = 0;
  for (const auto &entry : peer.at("cases")) {
    SCOPED_TRACE(entry.at("name").get<std::string>());
    auto file = folder.file(
        "tokenizer.json", smallTokenizer(peer.at("models").at(entry.at("model")), entry.at("parts")).dump());
    auto tokenizer = Tokenizer::open(file);
    for (const auto &row : entry.at("rows")) {
      auto text = row[0].get<std::string>();
      auto ids = row[1].get<Ids>();
      EXPECT_EQ(tokenizer->encode(text), ids) << text;
      EXPECT_EQ(tokenizer->decode(ids, false), row[2].get<std::string>()) << text;
      if (!row[3].is_null()) {
        EXPECT_EQ(tokenizer->decode(ids), row[3].get<std::string>()) << text;
      }
      ++rows;
    }
  }
  EXPECT_GT(rows, 1000u);
}
