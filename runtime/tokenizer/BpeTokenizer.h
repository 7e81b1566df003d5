// The tokenizer that a tokenizer.json describes.
#pragma once

#include "AddedTokens.h"
#include "BpeModel.h"
#include "Decoder.h"
#include "Normalizer.h"
#include "PreTokenizer.h"
#include "TokenizerConfig.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <functional>

namespace mlora::tokenization {

/// Names and contents of the files that make up a tokenizer.
using TokenizerFiles = std::vector<std::pair<std::string, std::string>>;

class BpeTokenizer : public Tokenizer {
public:
  /// `json` is a tokenizer.json. `files` is asked each time, so that megabytes need not be kept.
  BpeTokenizer(const JsonFields &json, const TokenizerConfig &config, std::function<TokenizerFiles()> files);

  std::vector<int32_t> encode(std::string_view text) const override;
  std::string decode(std::span<const int32_t> ids, bool skipSpecial) const override;
  std::string piece(int32_t id) const override;

  /// One more than the largest id.
  int64_t vocabSize() const override;
  std::optional<int32_t> bos() const override { return bosId; }
  std::optional<int32_t> eos() const override { return eosId; }
  bool addsBos() const override { return beginsWithBos; }
  std::string chatTemplate() const override { return jinja; }
  std::string chatTemplateFile() const override { return jinjaFile; }
  TokenizerFiles files() const override { return listFiles(); }

private:
  void findSpecialTokens(const JsonFields &json, const TokenizerConfig &config);
  std::optional<int32_t> specialId(const std::optional<std::string> &text, const char *name,
                                   const std::string &where) const;
  void encodeSegment(std::string_view text, Segment segment, std::vector<int32_t> &ids) const;
  /// Text of an id in the vocabulary or among the added tokens; null for others.
  const std::string *token(int32_t id) const;

  std::unique_ptr<Normalizer> normalizer;     ///< null: none
  std::unique_ptr<PreTokenizer> preTokenizer; ///< null: none
  std::unique_ptr<Decoder> decoder;           ///< null: tokens are joined by spaces, as in HF
  BpeModel model;
  AddedTokens added;
  std::optional<int32_t> bosId, eosId;
  bool beginsWithBos = false;
  std::string jinja, jinjaFile;
  std::function<TokenizerFiles()> listFiles;
};

} // namespace mlora::tokenization
