#include "mlora/Runtime/Tokenizer/GgufExport.h"

#include "GgufPreTokenizers.h"
#include "GgufVocabulary.h"
#include "TokenizerConfig.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <map>

using nlohmann::json;

namespace mlora {

using namespace tokenization;

namespace {

/// What decides pieces, without what only decides offsets: equal for equal behaviour.
json behaviour(const json &component) {
  if (!component.is_object())
    return nullptr;
  std::string type = component.value("type", "");
  if (type == "Sequence") {
    const char *list = component.contains("pretokenizers") ? "pretokenizers" : "normalizers";
    json parts = json::array();
    for (const json &part : component.value(list, json::array()))
      parts.push_back(behaviour(part));
    return parts.size() == 1 ? parts[0] : parts;
  }
  json result = component;
  for (const char *ignored : {"trim_offsets", "invert"})
    if (ignored != std::string("invert") || !component.value("invert", false))
      result.erase(ignored);
  return result;
}

std::string preTokenizerName(const json &root) {
  bool ignoreMerges = root["model"].value("ignore_merges", false);
  for (const char *name : {"llama-bpe", "smollm", "gpt-2", "qwen2"}) {
    GgufPreTokenizer known = ggufPreTokenizer(name, "");
    if (behaviour(known.preTokenizer) == behaviour(root.value("pre_tokenizer", json())) &&
        behaviour(known.normalizer) == behaviour(root.value("normalizer", json())) &&
        known.ignoreMerges == ignoreMerges)
      return name;
  }
  badInput(
      "this tokenizer.json cuts text in a way that has no name in GGUF (known are llama-bpe, smollm, gpt-2 "
      "and qwen2): llama.cpp would make other ids. Merge to a Hugging Face folder instead");
}

std::pair<std::string, std::string> mergeParts(const json &merge) {
  if (merge.is_array() && merge.size() == 2)
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  std::string text = merge.is_string() ? merge.get<std::string>() : "";
  size_t space = text.find(' ', 1);
  if (space == text.npos)
    badInput("tokenizer.json: a merge is not two tokens");
  return {text.substr(0, space), text.substr(space + 1)};
}

class Exporter {
public:
  Exporter(const Tokenizer &tokenizer, const ModelConfig &config) : tokenizer(tokenizer), config(config) {
    for (const auto &[name, bytes] : tokenizer.files())
      if (name == "tokenizer.json")
        root = parseJson(bytes, name);
      else if (name == "tokenizer_config.json")
        words = parseJson(bytes, name);
    if (!root.is_object() || !root.contains("model") || root["model"].value("type", "BPE") != "BPE")
      badInput("a tokenizer for GGUF is BPE, from a tokenizer.json");
    sentencePiece = root["model"].value("byte_fallback", false);
    readTokens();
  }

  GgufFields run() {
    std::string pre = sentencePiece ? "default" : preTokenizerName(root);
    add("model", std::string(sentencePiece ? "llama" : "gpt2"));
    add("pre", pre);
    add("tokens", tokens);
    if (sentencePiece)
      add("scores", scores());
    add("token_type", types);
    if (!sentencePiece)
      add("merges", merges());
    addSpecials();
    return std::move(fields);
  }

private:
  void add(const char *key, GgufField value) {
    fields.emplace_back(std::string("tokenizer.ggml.") + key, std::move(value));
  }

  void readTokens() {
    auto size = static_cast<size_t>(std::max(config.vocabSize, tokenizer.vocabSize()));
    if (tokenizer.vocabSize() > config.vocabSize)
      badInput("the tokenizer has " + std::to_string(tokenizer.vocabSize()) + " tokens, the model " +
               std::to_string(config.vocabSize) + ": they do not belong together");
    for (size_t id = 0; id < size; ++id)
      tokens.push_back("[PAD" + std::to_string(id) + "]");
    types.assign(size, int32_t(GgufTokenType::Unused));
    for (const auto &[text, id] : root["model"]["vocab"].items())
      place(text, id.get<int64_t>(), GgufTokenType::Normal);
    std::string unknown = root["model"].contains("unk_token") && root["model"]["unk_token"].is_string()
                              ? root["model"]["unk_token"].get<std::string>()
                              : "";
    for (const json &token : root.value("added_tokens", json::array()))
      place(token["content"], token["id"].get<int64_t>(),
            token.value("special", false) ? GgufTokenType::Control : GgufTokenType::UserDefined);
    if (!sentencePiece)
      return;
    if (auto id = ids.find(unknown); id != ids.end())
      types[size_t(id->second)] = int32_t(GgufTokenType::Unknown);
    for (const auto &[text, id] : ids)
      if (text.size() == 6 && text.starts_with("<0x") && text.back() == '>')
        types[size_t(id)] = int32_t(GgufTokenType::Byte);
  }

  void place(const std::string &text, int64_t id, GgufTokenType type) {
    if (id < 0 || size_t(id) >= tokens.size())
      badInput("tokenizer.json: token \"" + text + "\" has the id " + std::to_string(id) + ", the model " +
               std::to_string(tokens.size()) + " tokens");
    tokens[size_t(id)] = text;
    types[size_t(id)] = int32_t(type);
    ids[text] = id;
  }

  // SentencePiece merges the pair whose token has the highest score: the order in which merges make tokens,
  // then what no merge makes.
  std::vector<float> scores() const {
    std::vector<float> result(tokens.size(), 0.0f);
    std::vector<bool> scored(tokens.size());
    int64_t next = 0;
    auto score = [&](int64_t id) {
      if (types[size_t(id)] != int32_t(GgufTokenType::Normal) || scored[size_t(id)])
        return;
      scored[size_t(id)] = true;
      result[size_t(id)] = static_cast<float>(-next++);
    };
    for (const json &merge : root["model"]["merges"]) {
      auto [left, right] = mergeParts(merge);
      if (auto id = ids.find(left + right); id != ids.end())
        score(id->second);
    }
    for (size_t id = 0; id < tokens.size(); ++id)
      score(int64_t(id));
    return result;
  }

  std::vector<std::string> merges() const {
    std::vector<std::string> result;
    for (const json &merge : root["model"]["merges"]) {
      auto [left, right] = mergeParts(merge);
      for (std::string *part : {&left, &right}) // a space would look like the one between them
        for (size_t at; (at = part->find(' ')) != part->npos;)
          part->replace(at, 1, "Ġ");
      result.push_back(left + " " + right);
    }
    return result;
  }

  void addId(const char *key, std::optional<int64_t> id) {
    if (id && *id >= 0 && size_t(*id) < tokens.size())
      add(key, static_cast<uint32_t>(*id));
  }

  std::optional<int64_t> named(const char *key) const {
    if (!words.is_object() || !words.contains(key))
      return std::nullopt;
    const json &value = words[key];
    std::string text = value.is_string()                                ? value.get<std::string>()
                       : value.is_object() && value.contains("content") ? value["content"].get<std::string>()
                                                                        : "";
    auto id = ids.find(text);
    return id == ids.end() ? std::nullopt : std::optional(id->second);
  }

  void addSpecials() {
    std::optional<int64_t> bos = tokenizer.bos() ? std::optional<int64_t>(*tokenizer.bos()) : config.bosToken;
    std::optional<int64_t> eos;
    if (tokenizer.eos())
      eos = *tokenizer.eos();
    else if (!config.eosTokens.empty())
      eos = config.eosTokens.front();
    addId("bos_token_id", bos);
    addId("eos_token_id", eos);
    // Another token that ends a turn.
    for (int64_t other : config.eosTokens)
      if (other != eos) {
        addId("eot_token_id", other);
        break;
      }
    addId("unknown_token_id", sentencePiece ? unknownId() : named("unk_token"));
    addId("padding_token_id", named("pad_token"));
    add("add_bos_token", tokenizer.addsBos());
    if (words.is_object() && words.contains("add_eos_token") && words["add_eos_token"].is_boolean())
      add("add_eos_token", words["add_eos_token"].get<bool>());
    if (sentencePiece)
      add("add_space_prefix",
          root.value("normalizer", json()).dump().find("\"Prepend\"") != std::string::npos ||
              root.value("pre_tokenizer", json()).dump().find("Metaspace") != std::string::npos);
    if (std::string chat = tokenizer.chatTemplate(); !chat.empty())
      fields.emplace_back("tokenizer.chat_template", chat);
  }

  std::optional<int64_t> unknownId() const {
    for (size_t id = 0; id < types.size(); ++id)
      if (types[id] == int32_t(GgufTokenType::Unknown))
        return int64_t(id);
    return std::nullopt;
  }

  const Tokenizer &tokenizer;
  const ModelConfig &config;
  json root, words;
  bool sentencePiece = false;
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::map<std::string, int64_t> ids;
  GgufFields fields;
};

} // namespace

GgufFields ggufTokenizer(const Tokenizer &tokenizer, const ModelConfig &config) {
  return Exporter(tokenizer, config).run();
}

} // namespace mlora
