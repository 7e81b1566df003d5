// Text of files and models, made fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace mlora {

/// Line ends and control characters made visible (`\n`, `\x1b`), so that they cannot act on the terminal;
/// those in `kept` stay.
std::string visible(std::string_view text, std::string_view kept = "");

} // namespace mlora
