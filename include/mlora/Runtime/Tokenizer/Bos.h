// Where a sequence begins.
#pragma once

#include "mlora/Runtime/Tokenizer/Tokenizer.h"

namespace mlora {

/// Ids of a text that a sequence begins with: behind BOS where the tokenizer's configuration says so and the
/// text does not begin with it itself.
std::vector<int32_t> encodeWithBos(const Tokenizer &tokenizer, std::string_view text);

/// Removes `count` tokens from the left, behind a BOS.
void dropLeft(const Tokenizer &tokenizer, std::vector<int32_t> &ids, int64_t count);

} // namespace mlora
