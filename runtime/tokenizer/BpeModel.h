// Byte-pair encoding of one piece, exactly as Hugging Face's BPE: the "model" of a tokenizer.json.
#pragma once

#include "MergeTable.h"
#include "PieceCache.h"
#include "Vocabulary.h"

#include <memory>

namespace mlora::tokenization {

class BpeModel {
public:
  /// Throws Error(BadInput) for another type, dropout, subword prefixes or suffixes, and for merges of tokens
  /// that the vocabulary lacks.
  explicit BpeModel(const JsonFields &model);

  /// Appends the ids of a piece. Characters that the vocabulary lacks become their bytes' tokens
  /// (byte_fallback), else the unknown token, else nothing: then their neighbours are adjacent and may merge.
  void encode(std::string_view piece, std::vector<int32_t> &ids) const;

  const Vocabulary &vocabulary() const { return tokens; }

private:
  struct Symbol;
  void addMerges(const JsonFields &model);
  std::vector<Symbol> symbolsOf(std::string_view piece) const;
  void merge(std::vector<Symbol> &symbols) const;

  Vocabulary tokens;
  std::unique_ptr<MergeTable> merges;
  std::optional<int32_t> unknown;
  bool fuseUnknown = false, wholePieceWins = false;
  /// Tokens <0x00> to <0xFF>; -1 where there is none. Unused without byte_fallback.
  std::vector<int32_t> byteTokens;
  mutable PieceCache cache;
};

} // namespace mlora::tokenization
