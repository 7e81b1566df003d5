// SentencePiece's scores as the ranked merges of a tokenizer.json.
#pragma once

#include "GgufVocabulary.h"

#include <utility>

namespace mlora::tokenization {

/// SentencePiece merges the two neighbours whose joint piece has the best score; so every way to cut a piece
/// in two pieces is a merge, and better scores rank earlier. This is transformers' conversion, in its order.
std::vector<std::pair<std::string, std::string>> mergesOfScores(const GgufVocabulary &vocabulary);

} // namespace mlora::tokenization
