#include "OwnFile.h"

#include "mlora/Runtime/Core/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mlora {

int openOwnFile(const std::filesystem::path &path) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0)
    failed(path.string() + ": cannot be opened: " + std::strerror(errno));
  struct stat status {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
      (status.st_mode & (S_IWGRP | S_IWOTH))) {
    close(file);
    failed(path.string() + ": is not a regular file that you alone may write: no program is loaded from it");
  }
  return file;
}

std::string readOwnFile(const std::filesystem::path &path) {
  int file = openOwnFile(path);
  std::string text;
  char buffer[65536];
  ssize_t count;
  while ((count = read(file, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR))
    if (count > 0)
      text.append(buffer, size_t(count));
  int error = errno;
  close(file);
  if (count < 0)
    failed(path.string() + ": cannot be read: " + std::strerror(error));
  return text;
}

} // namespace mlora
