#include "BpeTokenizer.h"

#include "Component.h"
#include "PostProcessor.h"
#include "Utf8.h"

namespace mlora::tokenization {

template <typename Part> static std::unique_ptr<Part> parsePart(const JsonFields &json, const char *key) {
  return json.has(key) ? Part::parse(json.object(key)) : nullptr;
}

BpeTokenizer::BpeTokenizer(const JsonFields &json, const TokenizerConfig &config,
                           std::function<TokenizerFiles()> files)
    : normalizer(parsePart<Normalizer>(json, "normalizer")),
      preTokenizer(parsePart<PreTokenizer>(json, "pre_tokenizer")),
      decoder(parsePart<Decoder>(json, "decoder")), model(json.object("model")),
      added(json, model.vocabulary(), normalizer.get()), jinja(config.chatTemplate), jinjaFile(config.chatTemplateFile),
      listFiles(std::move(files)) {
  // Truncation and padding belong to a caller, who decides on lengths: they are not read.
  allowOnly(json, {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                   "post_processor", "decoder", "model"});
  if (json.optionalString("version").value_or("1.0") != "1.0")
    json.refuse("version", "\"1.0\" is expected, found \"" + json.string("version") + "\"");
  findSpecialTokens(json, config);
}

std::optional<int32_t> BpeTokenizer::specialId(const std::optional<std::string> &text, const char *name,
                                               const std::string &where) const {
  if (!text || text->empty())
    return std::nullopt;
  if (const AddedToken *token = added.find(*text))
    return token->id;
  auto id = model.vocabulary().id(*text);
  if (!id)
    badInput(where + ": the configuration names \"" + *text + "\" as " + name +
             ", but there is no such token; do the files belong together?");
  return id;
}

void BpeTokenizer::findSpecialTokens(const JsonFields &json, const TokenizerConfig &config) {
  std::optional<int32_t> first;
  if (json.has("post_processor"))
    first = templateBos(json.object("post_processor"));
  if (first && !token(*first))
    json.refuse("post_processor", "puts id " + std::to_string(*first) + " in front, which no token has");
  bosId = specialId(config.bos, "bos_token", json.where());
  eosId = specialId(config.eos, "eos_token", json.where());
  if (!bosId)
    bosId = first;
  beginsWithBos = bosId && config.addBos.value_or(first.has_value());
}

void BpeTokenizer::encodeSegment(std::string_view text, Segment segment, std::vector<int32_t> &ids) const {
  if (text.empty())
    return;
  Pieces pieces{std::string(text)};
  if (preTokenizer)
    pieces = preTokenizer->apply(std::move(pieces), segment);
  for (size_t i = 0; i < pieces.size(); ++i)
    model.encode(pieces[i], ids);
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text) const {
  std::string repaired;
  if (!isValidUtf8(text))
    text = repaired = replaceInvalidUtf8(text);
  std::vector<int32_t> ids;
  for (const AddedTokens::Part &part : added.splitRaw(text)) {
    if (part.token) {
      ids.push_back(part.token->id);
      continue;
    }
    std::string segment(text.substr(part.range.begin, part.range.end - part.range.begin));
    if (normalizer)
      segment = normalizer->apply(std::move(segment));
    for (const AddedTokens::Part &inner : added.splitNormalized(segment)) {
      if (inner.token) {
        ids.push_back(inner.token->id);
        continue;
      }
      bool first = part.range.begin == 0 && inner.range.begin == 0;
      encodeSegment(std::string_view(segment).substr(inner.range.begin, inner.range.end - inner.range.begin),
                    first ? Segment::First : Segment::Later, ids);
    }
  }
  return ids;
}

const std::string *BpeTokenizer::token(int32_t id) const {
  const AddedToken *found = added.find(id);
  return found ? &found->text : model.vocabulary().token(id);
}

std::string BpeTokenizer::decode(std::span<const int32_t> ids, bool skipSpecial) const {
  std::vector<std::string> tokens;
  for (int32_t id : ids) {
    const AddedToken *addedToken = added.find(id);
    if (skipSpecial && addedToken && addedToken->special)
      continue;
    if (const std::string *text = token(id)) // HF leaves out unknown ids as well
      tokens.push_back(*text);
  }
  std::string result;
  if (decoder) {
    for (const std::string &text : decoder->apply(std::move(tokens)))
      result += text;
    return result;
  }
  for (size_t i = 0; i < tokens.size(); ++i)
    result += (i ? " " : "") + tokens[i];
  return result;
}

std::string BpeTokenizer::piece(int32_t id) const {
  const AddedToken *addedToken = added.find(id);
  if (addedToken)
    return addedToken->content;
  const std::string *text = token(id);
  if (!text)
    return "<id " + std::to_string(id) + ">";
  return decoder ? decoder->piece(*text) : *text;
}

int64_t BpeTokenizer::vocabSize() const { return std::max(model.vocabulary().end(), added.end()); }

} // namespace mlora::tokenization
