#include "mlora/Runtime/Core/CacheFolder.h"

#include "mlora/Runtime/Core/Error.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace mlora {

static std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

fs::path cacheFolder() {
  if (std::string own = environment("MLORA_CACHE"); !own.empty())
    return own;
  if (std::string base = environment("XDG_CACHE_HOME"); base.starts_with("/"))
    return fs::path(base) / "mlora";
  std::string home = environment("HOME");
  if (home.empty())
    badInput("neither MLORA_CACHE nor HOME is set: compiled programs have no place to be kept");
  return fs::path(home) / ".cache" / "mlora";
}

void makePrivateFolders(const fs::path &path) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored))
    return;
  makePrivateFolders(path.parent_path());
  if (mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    failed(path.string() + ": the folder cannot be made: " + std::strerror(errno));
}

std::string programIdentity() {
  struct stat status {};
  if (stat("/proc/self/exe", &status) != 0)
    return "";
  return std::to_string(status.st_size) + "/" + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

} // namespace mlora
