#include "GgufVocabulary.h"

#include "Utf8.h"
#include "mlora/Runtime/Core/Error.h"

#include <unordered_set>

namespace mlora::tokenization {

namespace {

const std::string prefix = "tokenizer.ggml.";

std::optional<int64_t> tokenId(const GgufFile &file, const char *key, size_t tokens) {
  auto id = file.integer(prefix + key);
  if (id && (*id < 0 || *id >= static_cast<int64_t>(tokens)))
    badInput(file.path().string() + ": " + prefix + key + " is " + std::to_string(*id) + ", but there are " +
             std::to_string(tokens) + " tokens");
  return id;
}

void checkTokens(const GgufVocabulary &vocabulary) {
  std::unordered_set<std::string_view> seen;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string &token = vocabulary.tokens[id];
    std::string place = vocabulary.where + ": " + prefix + "tokens[" + std::to_string(id) + "] ";
    if (!isValidUtf8(token))
      badInput(place + "is not UTF-8");
    if (!seen.insert(token).second)
      badInput(place + "\"" + token + "\" is there twice");
  }
}

void readTypes(const GgufFile &file, GgufVocabulary &vocabulary) {
  vocabulary.types.assign(vocabulary.tokens.size(), GgufTokenType::Normal);
  const auto *types = file.integers(prefix + "token_type");
  if (!types) {
    // Files from before there were types: what has a role is no text.
    for (auto id : {vocabulary.bos, vocabulary.eos, vocabulary.unknown, vocabulary.padding})
      if (id)
        vocabulary.types[*id] = GgufTokenType::Control;
    return;
  }
  if (types->size() != vocabulary.tokens.size())
    badInput(vocabulary.where + ": " + prefix + "token_type has " + std::to_string(types->size()) +
             " entries for " + std::to_string(vocabulary.tokens.size()) + " tokens");
  for (size_t id = 0; id < types->size(); ++id) {
    int64_t type = (*types)[id];
    if (type < 1 || type > 6)
      badInput(vocabulary.where + ": " + prefix + "token_type[" + std::to_string(id) + "] is " +
               std::to_string(type) + "; 1 to 6 is expected");
    vocabulary.types[id] = static_cast<GgufTokenType>(type);
  }
}

} // namespace

GgufVocabulary GgufVocabulary::read(const GgufFile &file) {
  GgufVocabulary result;
  result.where = file.path().string();
  const auto *tokens = file.strings(prefix + "tokens");
  auto model = file.string(prefix + "model");
  if (!tokens || tokens->empty() || !model)
    badInput(result.where + ": the file holds no tokenizer (" + prefix + "model and " + prefix + "tokens)");
  result.model = *model;
  result.pre = file.string(prefix + "pre").value_or("");
  result.tokens = *tokens;
  checkTokens(result);
  result.bos = tokenId(file, "bos_token_id", tokens->size());
  result.eos = tokenId(file, "eos_token_id", tokens->size());
  result.unknown = tokenId(file, "unknown_token_id", tokens->size());
  result.padding = tokenId(file, "padding_token_id", tokens->size());
  readTypes(file, result);
  if (const auto *scores = file.numbers(prefix + "scores"))
    result.scores = *scores;
  if (!result.scores.empty() && result.scores.size() != tokens->size())
    badInput(result.where + ": " + prefix + "scores has " + std::to_string(result.scores.size()) +
             " entries for " + std::to_string(tokens->size()) + " tokens");
  if (const auto *merges = file.strings(prefix + "merges"))
    result.merges = *merges;
  result.addBos = file.boolean(prefix + "add_bos_token");
  result.addSpacePrefix = file.boolean(prefix + "add_space_prefix");
  if (auto architecture = file.string("general.architecture"))
    result.contextLength = file.integer(*architecture + ".context_length");
  result.chatTemplate = file.string("tokenizer.chat_template").value_or("");
  return result;
}

} // namespace mlora::tokenization
