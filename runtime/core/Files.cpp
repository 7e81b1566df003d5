#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/WriteError.h"

#include "mlora/Runtime/Core/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace mlora {

std::string readFile(const fs::path &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    badInput(path.string() + ": cannot be opened: " + std::strerror(errno));
  std::string text;
  struct stat status {};
  bool isKnown = fstat(descriptor, &status) == 0;
  if (isKnown && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))) { // /dev/zero never ends
    close(descriptor);
    badInput(path.string() + ": is a device; a file is expected");
  }
  if (isKnown && S_ISREG(status.st_mode))
    text.reserve(static_cast<size_t>(status.st_size));
  char buffer[65536];
  ssize_t count;
  while ((count = read(descriptor, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR))
    if (count > 0)
      text.append(buffer, static_cast<size_t>(count));
  int error = errno;
  close(descriptor);
  if (count < 0)
    badInput(path.string() + ": cannot be read: " + std::strerror(error));
  return text;
}

void makeFolders(const fs::path &path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code)
    throwWriteError("make the folder", path, code.value());
}

void checkFreeSpace(const fs::path &path, uint64_t bytes) {
  std::error_code code;
  fs::path existing = fs::absolute(path, code);
  while (!fs::exists(existing, code) && existing.has_relative_path())
    existing = existing.parent_path();
  struct statvfs status {};
  if (statvfs(existing.c_str(), &status) != 0)
    return; // the write itself will say
  uint64_t available = static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  auto mebibytes = [](uint64_t n) {
    return n < 10 << 20 ? std::to_string(n >> 10) + " KiB" : std::to_string(n >> 20) + " MiB";
  };
  if (available < bytes)
    failed(path.string() + ": " + mebibytes(bytes) + " are needed, " + mebibytes(available) +
           " are free on " + existing.string() + ": make room or choose another folder");
}

void throwWriteError(const std::string &action, const fs::path &path, int error) {
  std::string message = "cannot " + action + " " + path.string() + ": " + std::strerror(error);
  switch (error) {
  case ENOSPC:
  case EDQUOT:
    failed(message + ": make room or choose another folder; what was there before is unchanged");
  case EACCES:
  case EPERM:
  case EROFS:
    badInput(message + ": choose a folder that you may write to");
  case ENOENT:
  case ENOTDIR:
  case EISDIR:
  case EEXIST:
  case ENAMETOOLONG:
    badInput(message);
  default:
    failed(message);
  }
}

} // namespace mlora
