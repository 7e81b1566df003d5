// Which of the compiler's chips a GPU takes code for.
#pragma once

#include <string>

namespace mlora {

/// By compute capability. Throws Error(BadInput) that names `gpu` when no chip's code runs on it.
std::string chipFor(int major, int minor, const std::string &gpu);

/// PTX for a chip runs on later ones too; where its name ends in `a`, on that one alone.
bool runsCodeFor(const std::string &chip, int major, int minor);

/// Machine code, unlike PTX, is for a chip itself.
bool isChip(const std::string &chip, int major, int minor);

/// That of this machine's first GPU, or `wanted` instead where it is not `auto`. Throws Error(BadInput) when
/// there is no driver, none that is new enough, or a GPU that does not run code for the chip that is wanted.
std::string installedChip(const std::string &wanted = "auto");

} // namespace mlora
