// The "post_processor" of a tokenizer.json, read only to learn whether a sequence begins with BOS.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <cstdint>
#include <optional>

namespace mlora::tokenization {

/// Id of the special token that the template puts in front of a single sequence, where there is one. A
/// template that puts several there, or a type other than TemplateProcessing, ByteLevel and Sequence, is
/// Error(BadInput). What it appends is not ours to say: the end of a sequence is trained where the data ends.
std::optional<int32_t> templateBos(const JsonFields &component);

} // namespace mlora::tokenization
