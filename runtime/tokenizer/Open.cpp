// Which reader a path gets.
#include "BpeTokenizer.h"
#include "GgufTokenizer.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/Gguf.h"

#include <fstream>

namespace mlora {

using namespace tokenization;

namespace fs = std::filesystem;

/// Tokenizer.json under its usual name, and what else programs look for beside it.
static TokenizerFiles filesBeside(const fs::path &json) {
  TokenizerFiles files = {{"tokenizer.json", readFile(json)}};
  for (const char *name : {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                           "chat_template.jinja", "tokenizer.model", "vocab.json", "merges.txt"})
    if (fs::exists(json.parent_path() / name))
      files.emplace_back(name, readFile(json.parent_path() / name));
  return files;
}

static std::unique_ptr<Tokenizer> openJson(const fs::path &path) {
  nlohmann::json json = readJsonFile(path);
  return std::make_unique<BpeTokenizer>(JsonFields(json, path.string()),
                                        TokenizerConfig::read(path.parent_path()),
                                        [path] { return filesBeside(path); });
}

static std::unique_ptr<Tokenizer> openGguf(const fs::path &path) {
  GgufVocabulary vocabulary = GgufVocabulary::read(GgufFile(path));
  nlohmann::json json = tokenizerJson(vocabulary), config = tokenizerConfigJson(vocabulary);
  auto files = [path]() -> TokenizerFiles {
    GgufVocabulary vocabulary = GgufVocabulary::read(GgufFile(path));
    return {{"tokenizer.json", tokenizerJson(vocabulary).dump(2) + "\n"},
            {"tokenizer_config.json", tokenizerConfigJson(vocabulary).dump(2) + "\n"}};
  };
  return std::make_unique<BpeTokenizer>(JsonFields(json, path.string()),
                                        TokenizerConfig::parse(JsonFields(config, path.string())), files);
}

std::unique_ptr<Tokenizer> Tokenizer::open(const fs::path &path) {
  fs::path file = fs::is_directory(path) ? path / "tokenizer.json" : path;
  if (!fs::is_regular_file(file))
    badInput(file.string() + ": there is no such file; name a tokenizer with tokenizer=: a folder with a "
                             "tokenizer.json, a tokenizer.json, or a .gguf file");
  return beginsLikeGguf(file) ? openGguf(file) : openJson(file);
}

} // namespace mlora
