// Files that decide what machine code does: only what the user alone may write is read.
#pragma once

#include <filesystem>
#include <string>

namespace mlora {

/// A descriptor of a regular file of our own that nobody else may write; no link is followed. Throws
/// otherwise.
int openOwnFile(const std::filesystem::path &path);

/// The content of such a file.
std::string readOwnFile(const std::filesystem::path &path);

} // namespace mlora
