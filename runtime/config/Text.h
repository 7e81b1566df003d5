// Values as text.
#pragma once

#include <string>

namespace mlora {

/// The shortest text that reads back as the same number.
std::string numberText(double value);

} // namespace mlora
