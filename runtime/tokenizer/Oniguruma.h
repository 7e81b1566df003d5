// Regular expressions of tokenizer.json are Oniguruma's; this writes them for PCRE2.
#pragma once

#include <string>
#include <string_view>

namespace mlora::tokenization {

/// The same expression in PCRE2's syntax. What the two read differently is rewritten where that is exact (\s,
/// \w, scripts, \uHHHH) and otherwise refused with Error(BadInput): \b, \h, backward references, set
/// operations and nested sets, options other than (?i:…).
std::string pcreOfOniguruma(std::string_view pattern, const std::string &where);

} // namespace mlora::tokenization
