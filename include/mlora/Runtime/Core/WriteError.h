// The errors of writing, told apart: the user's to mend (a folder without permission) or the machine's (disk
// full).
#pragma once

#include <filesystem>
#include <string>

namespace mlora {

/// Throws "cannot <action> <path>: <reason>" for an errno value.
[[noreturn]] void throwWriteError(const std::string &action, const std::filesystem::path &path, int error);

} // namespace mlora
