// Where things are kept that can be made again.
#pragma once

#include <filesystem>

namespace mlora {

/// $MLORA_CACHE, else $XDG_CACHE_HOME/mlora, else ~/.cache/mlora. Throws Error(BadInput) when none is set.
std::filesystem::path cacheFolder();

/// Makes a folder and its missing parents, open to the user alone.
void makePrivateFolders(const std::filesystem::path &path);

/// Tells one build of this program from another (size and time of change of the executable): what it keeps
/// may depend on its code.
std::string programIdentity();

} // namespace mlora
