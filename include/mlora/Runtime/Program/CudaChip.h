// Which of the compiler's chips a GPU takes code for.
#pragma once

#include <string>

namespace mlora {

/// By compute capability. Throws Error(BadInput) that names `gpu` when no chip's code runs on it.
std::string chipFor(int major, int minor, const std::string &gpu);

/// Of this machine's first GPU. Throws Error(BadInput) when there is no driver, or none that is new enough.
std::string installedChip();

} // namespace mlora
