// Cutting a piece at matches: the five behaviours of Hugging Face's SplitDelimiterBehavior.
#pragma once

#include "Pieces.h"
#include "Regex.h"

#include <optional>
#include <string>
#include <vector>

namespace mlora::tokenization {

enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

/// From the name in a tokenizer.json; case and underscores do not matter ("Isolated", "MergedWithNext").
std::optional<SplitBehavior> splitBehaviorOf(std::string name);

/// Whether the delimiters are the matches or what lies between them.
enum class Delimiters { Matches, Gaps };

/// Appends the parts of `piece`, cut at `matches` (in order, not overlapping).
void splitAt(std::string_view piece, const std::vector<Range> &matches, SplitBehavior behavior,
             Delimiters delimiters, Pieces &result);

} // namespace mlora::tokenization
