#include "AddedTokens.h"

#include "Component.h"
#include "Utf8.h"

namespace mlora::tokenization {

namespace {

// \w of the Rust crate regex, which HF uses here.
constexpr char word[] = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}])";

/// Unicode's White_Space.
bool isSpace(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/// Where the character that ends at `end` begins; 0 at the start.
size_t characterBefore(std::string_view text, size_t end) {
  while (end > 0 && (static_cast<unsigned char>(text[--end]) & 0xC0) == 0x80) {
  }
  return end;
}

size_t characterAfter(std::string_view text, size_t begin) {
  if (begin < text.size())
    nextCodepoint(text, begin);
  return begin;
}

size_t skipSpaceBackward(std::string_view text, size_t end) {
  while (end > 0) {
    size_t begin = characterBefore(text, end), at = begin;
    if (!isSpace(nextCodepoint(text, at)))
      break;
    end = begin;
  }
  return end;
}

size_t skipSpace(std::string_view text, size_t begin) {
  for (size_t at = begin; at < text.size() && isSpace(nextCodepoint(text, at));)
    begin = at;
  return begin;
}

AddedToken parse(const JsonFields &fields) {
  allowOnly(fields, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  auto flag = [&](const char *key) { return fields.optionalBoolean(key).value_or(false); };
  AddedToken token{};
  int64_t id = fields.integer("id");
  if (id < 0 || id > INT32_MAX)
    fields.refuse("id", "a token id is expected");
  token.id = static_cast<int32_t>(id);
  token.content = fields.string("content");
  token.singleWord = flag("single_word");
  token.lstrip = flag("lstrip");
  token.rstrip = flag("rstrip");
  token.special = flag("special");
  token.normalized = fields.optionalBoolean("normalized").value_or(!token.special);
  return token;
}

} // namespace

AddedTokens::AddedTokens(const JsonFields &tokenizer, const Vocabulary &vocabulary,
                         const Normalizer *normalizer)
    : wordCharacter(word, "added tokens") {
  if (!tokenizer.has("added_tokens"))
    return;
  for (const JsonFields &fields : componentsOf(tokenizer, "added_tokens")) {
    AddedToken token = parse(fields);
    if (token.content.empty() || find(token.content))
      fields.refuse("content", "\"" + token.content + "\" is empty or there twice");
    // HF counts the vocabulary's entries here, not its largest id.
    auto next = std::max(static_cast<int32_t>(vocabulary.count()), end());
    int32_t expected = vocabulary.id(token.content).value_or(next);
    if (token.id != expected)
      fields.refuse("id", "\"" + token.content + "\" has id " + std::to_string(token.id) +
                              ", but Hugging Face's tokenizers would give it " + std::to_string(expected));
    token.text = token.normalized && normalizer ? normalizer->apply(token.content) : token.content;
    byId[token.id] = byContent[token.content] = tokens.size();
    endId = std::max(endId, token.id + 1);
    tokens.push_back(std::move(token));
  }
  // Special ones first, as HF orders them: of equal texts the first counts.
  for (bool special : {true, false})
    for (size_t i = 0; i < tokens.size(); ++i) {
      const AddedToken &token = tokens[i];
      if (token.special != special)
        continue;
      (token.normalized ? afterwards : raw).add(token.text, i);
    }
}

const AddedToken *AddedTokens::find(int32_t id) const {
  auto found = byId.find(id);
  return found == byId.end() ? nullptr : &tokens[found->second];
}

const AddedToken *AddedTokens::find(const std::string &content) const {
  auto found = byContent.find(content);
  return found == byContent.end() ? nullptr : &tokens[found->second];
}

bool AddedTokens::standsAlone(std::string_view text, Range match) const {
  size_t before = characterBefore(text, match.begin), after = characterAfter(text, match.end);
  return wordCharacter.matches(text.substr(before, match.begin - before)).empty() &&
         wordCharacter.matches(text.substr(match.end, after - match.end)).empty();
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text, const TokenTrie &trie) const {
  std::vector<Part> parts;
  size_t done = 0;
  for (size_t at = 0; at < text.size() && !trie.empty();) {
    auto found = trie.longestAt(text, at);
    if (!found) {
      ++at;
      continue;
    }
    const AddedToken &token = tokens[found->value];
    Range match{at, at + found->length};
    at = match.end;
    if (token.singleWord && !standsAlone(text, match))
      continue;
    if (token.lstrip) // what the token before has taken along already is gone
      match.begin = std::max(skipSpaceBackward(text, match.begin), done);
    if (token.rstrip)
      match.end = skipSpace(text, match.end);
    if (done < match.begin)
      parts.push_back({{done, match.begin}, nullptr});
    parts.push_back({match, &token});
    done = match.end;
  }
  if (done < text.size())
    parts.push_back({{done, text.size()}, nullptr});
  return parts;
}

} // namespace mlora::tokenization
