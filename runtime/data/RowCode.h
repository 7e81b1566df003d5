// A tokenised row in few words: what memory and the cache of tokenised rows hold.
#pragma once

#include "mlora/Runtime/Data/Sequence.h"

#include <span>

namespace mlora {

/// A flag word, the row's tokens, and where labels or documents are not the usual ones (all ids from some
/// token on count; one document), those.
std::vector<int32_t> encodeRow(const Sequence &row);

/// Throws Error(Failed) for words that no row gives.
Sequence decodeRow(std::span<const int32_t> words);

} // namespace mlora
