#include "GgufTokenizer.h"

#include "GgufPreTokenizers.h"
#include "ScoreMerges.h"
#include "mlora/Runtime/Core/Error.h"

#include <cmath>

namespace mlora::tokenization {

using nlohmann::json;

namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;

bool isByteLevel(const GgufVocabulary &vocabulary) { return vocabulary.model == "gpt2"; }

void checkModel(const GgufVocabulary &vocabulary) {
  if (isByteLevel(vocabulary)) {
    if (vocabulary.merges.empty())
      badInput(vocabulary.where + ": tokenizer.ggml.merges is missing, which model \"gpt2\" needs");
    return;
  }
  if (vocabulary.model != "llama")
    badInput(vocabulary.where + ": tokenizer.ggml.model is \"" + vocabulary.model +
             "\"; known are gpt2 and llama. Give a tokenizer.json instead.");
  if (vocabulary.scores.empty())
    badInput(vocabulary.where + ": tokenizer.ggml.scores is missing, which model \"llama\" needs");
  for (double score : vocabulary.scores)
    if (std::isnan(score))
      badInput(vocabulary.where + ": tokenizer.ggml.scores holds something that is no number");
  if (!vocabulary.pre.empty() && vocabulary.pre != "default")
    badInput(vocabulary.where + ": tokenizer.ggml.pre is \"" + vocabulary.pre +
             "\"; model \"llama\" has only default. Give a tokenizer.json instead.");
}

bool addsBos(const GgufVocabulary &vocabulary) {
  bool usual = isByteLevel(vocabulary) ? ggufPreTokenizer(vocabulary.pre, vocabulary.where).addsBos : true;
  return vocabulary.bos && vocabulary.addBos.value_or(usual);
}

json addedTokens(const GgufVocabulary &vocabulary) {
  json list = json::array();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    GgufTokenType type = vocabulary.types[id];
    bool special = type == GgufTokenType::Control || type == GgufTokenType::Unknown;
    if ((!special && type != GgufTokenType::UserDefined) || vocabulary.tokens[id].empty())
      continue;
    list.push_back({{"id", id},
                    {"content", vocabulary.tokens[id]},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", false},
                    {"special", special}});
  }
  return list;
}

Merges mergesOf(const GgufVocabulary &vocabulary) {
  if (!isByteLevel(vocabulary))
    return mergesOfScores(vocabulary);
  Merges merges;
  for (const std::string &merge : vocabulary.merges) {
    size_t space = merge.find(' ', 1);
    if (space == merge.npos)
      badInput(vocabulary.where + ": tokenizer.ggml.merges[" + std::to_string(merges.size()) + "] \"" +
               merge + "\" is not two tokens with a space between");
    merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return merges;
}

/// As "a b", which every version of HF's library reads; as ["a", "b"] when a token holds a space.
json mergesJson(const Merges &merges) {
  bool spaces = false;
  for (const auto &[left, right] : merges)
    spaces |= left.find(' ') != left.npos || right.find(' ') != right.npos;
  json list = json::array();
  for (const auto &[left, right] : merges)
    list.push_back(spaces ? json::array({left, right}) : json(left + " " + right));
  return list;
}

json modelJson(const GgufVocabulary &vocabulary) {
  bool byteLevel = isByteLevel(vocabulary);
  json vocab = json::object();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    vocab[vocabulary.tokens[id]] = id;
  // Bytes that a byte-level vocabulary lacks are dropped; SentencePiece has the unknown token.
  json unknown;
  if (!byteLevel)
    unknown = vocabulary.tokens[vocabulary.unknown.value_or(0)];
  bool ignoreMerges = byteLevel && ggufPreTokenizer(vocabulary.pre, vocabulary.where).ignoreMerges;
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", unknown},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", !byteLevel},
          {"byte_fallback", !byteLevel},
          {"ignore_merges", ignoreMerges},
          {"vocab", std::move(vocab)},
          {"merges", mergesJson(mergesOf(vocabulary))}};
}

json bosTemplate(const GgufVocabulary &vocabulary) {
  const std::string &bos = vocabulary.tokens[*vocabulary.bos];
  auto special = [&](int type) { return json{{"SpecialToken", {{"id", bos}, {"type_id", type}}}}; };
  auto sequence = [](const char *id, int type) {
    return json{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", json::array({special(0), sequence("A", 0)})},
          {"pair", json::array({special(0), sequence("A", 0), special(1), sequence("B", 1)})},
          {"special_tokens",
           {{bos, {{"id", bos}, {"ids", json::array({*vocabulary.bos})}, {"tokens", json::array({bos})}}}}}};
}

/// Spaces are ▁, and there is one in front of the text: as in Llama 2's own files.
void addSentencePiece(const GgufVocabulary &vocabulary, json &result) {
  bool prefix = vocabulary.addSpacePrefix.value_or(true);
  json space = {{"String", " "}}, mark = {{"String", "▁"}};
  json normalizers = json::array(), decoders = json::array();
  if (prefix)
    normalizers.push_back({{"type", "Prepend"}, {"prepend", "▁"}});
  normalizers.push_back({{"type", "Replace"}, {"pattern", space}, {"content", "▁"}});
  decoders.push_back({{"type", "Replace"}, {"pattern", mark}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (prefix)
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  result["normalizer"] = {{"type", "Sequence"}, {"normalizers", normalizers}};
  result["pre_tokenizer"] = nullptr;
  result["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
}

void addByteLevel(const GgufVocabulary &vocabulary, json &result) {
  GgufPreTokenizer known = ggufPreTokenizer(vocabulary.pre, vocabulary.where);
  result["normalizer"] = known.normalizer;
  result["pre_tokenizer"] = known.preTokenizer;
  result["decoder"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
}

} // namespace

json tokenizerJson(const GgufVocabulary &vocabulary) {
  checkModel(vocabulary);
  json result = {{"version", "1.0"},
                 {"truncation", nullptr},
                 {"padding", nullptr},
                 {"added_tokens", addedTokens(vocabulary)},
                 {"post_processor", addsBos(vocabulary) ? bosTemplate(vocabulary) : json()},
                 {"model", modelJson(vocabulary)}};
  if (isByteLevel(vocabulary))
    addByteLevel(vocabulary, result);
  else
    addSentencePiece(vocabulary, result);
  return result;
}

json tokenizerConfigJson(const GgufVocabulary &vocabulary) {
  // The class that takes tokenizer.json as it is.
  json result = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false},
                 {"add_bos_token", addsBos(vocabulary)}};
  auto name = [&](const char *key, std::optional<int64_t> id) {
    if (id)
      result[key] = vocabulary.tokens[*id];
  };
  name("bos_token", vocabulary.bos);
  name("eos_token", vocabulary.eos);
  name("unk_token", vocabulary.unknown);
  name("pad_token", vocabulary.padding);
  if (vocabulary.contextLength)
    result["model_max_length"] = *vocabulary.contextLength;
  if (!vocabulary.chatTemplate.empty())
    result["chat_template"] = vocabulary.chatTemplate;
  return result;
}

} // namespace mlora::tokenization
