// Values as text.
#pragma once

#include "mlora/Runtime/Config/Keys.h"
#include "mlora/Runtime/Core/Text.h"

#include <string>

namespace mlora {

/// The shortest text that reads back as the same number.
std::string numberText(double value);

/// The keys of an entry of `datasets` or `validation`, which are trained on, or of `eval_tasks`, which are
/// scored.
std::span<const std::string_view> entryKeys(const Key &key);

} // namespace mlora
