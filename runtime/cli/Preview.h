// Rows of training as people read them.
#pragma once

#include "mlora/Runtime/Data/BatchStream.h"

#include <ostream>

namespace mlora {

/// The text of a token, or its number without a tokenizer.
std::string pieceText(int32_t id, const Tokenizer *tokenizer);

/// Each run of tokens that are trained, or are not, in a line of its own with `|` between tokens; coloured
/// when standard output is a terminal (and NO_COLOR is not set).
void printPreview(std::ostream &out, const std::vector<MicroBatch> &batches, const BatchStream &stream,
                  const Tokenizer *tokenizer);

} // namespace mlora
