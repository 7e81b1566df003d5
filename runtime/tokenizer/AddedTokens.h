// Tokens that are cut out of the text before anything else happens to it: "added_tokens" of a tokenizer.json.
#pragma once

#include "Normalizer.h"
#include "Regex.h"
#include "TokenTrie.h"
#include "Vocabulary.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlora::tokenization {

struct AddedToken {
  int32_t id;
  std::string content;
  std::string text;    ///< what it stands for in decoding: normalised content, where it is looked for in that
  bool singleWord;     ///< no match inside a word
  bool lstrip, rstrip; ///< takes white space on that side along
  bool normalized;     ///< looked for in normalised text, after the others
  bool special;        ///< left out by decoding
};

class AddedTokens {
public:
  /// The list under `added_tokens` of a tokenizer.json. HF gives a token that is in the vocabulary that id,
  /// and others the next free ones; a file that says otherwise is Error(BadInput).
  AddedTokens(const JsonFields &tokenizer, const Vocabulary &vocabulary, const Normalizer *normalizer);

  /// A stretch of text, or the added token that stands for it.
  struct Part {
    Range range;
    const AddedToken *token;
  };
  /// Cuts the tokens that are not `normalized` out of raw text.
  std::vector<Part> splitRaw(std::string_view text) const { return split(text, raw); }
  /// Cuts the `normalized` ones out of normalised text.
  std::vector<Part> splitNormalized(std::string_view text) const { return split(text, afterwards); }

  const AddedToken *find(int32_t id) const;
  const AddedToken *find(const std::string &content) const;
  /// One more than the largest id, 0 when there are none.
  int32_t end() const { return endId; }

private:
  std::vector<Part> split(std::string_view text, const TokenTrie &trie) const;
  bool standsAlone(std::string_view text, Range match) const;

  std::vector<AddedToken> tokens;
  std::unordered_map<int32_t, size_t> byId;
  std::unordered_map<std::string, size_t> byContent;
  int32_t endId = 0;
  TokenTrie raw, afterwards;
  Regex wordCharacter;
};

} // namespace mlora::tokenization
