#include "mlora/Runtime/Core/StreamFile.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/WriteError.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace fs = std::filesystem;

namespace mlora {

StreamFile StreamFile::input(const fs::path &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    badInput(path.string() + ": cannot be opened: " + std::strerror(errno));
  return StreamFile(path, descriptor);
}

StreamFile StreamFile::output(const fs::path &path, uint64_t bytes) {
  int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0)
    throwWriteError("write", path, errno);
  StreamFile file(path, descriptor);
#ifdef __linux__
  // A disk that is too small says so now, not after hours.
  if (fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)) == 0)
    return file;
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR)
    throwWriteError("write", path, errno);
#endif
  if (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0)
    throwWriteError("write", path, errno);
  return file;
}

StreamFile::StreamFile(StreamFile &&other) noexcept
    : path(std::move(other.path)), descriptor(std::exchange(other.descriptor, -1)) {}

StreamFile::~StreamFile() {
  if (descriptor >= 0)
    close(descriptor);
}

void StreamFile::read(uint64_t offset, void *data, uint64_t size) const {
  // Some blocks ahead, so that the disk works while this block is computed.
  constexpr uint64_t ahead = 16 << 20;
  posix_fadvise(descriptor, static_cast<off_t>(offset + ahead), static_cast<off_t>(size),
                POSIX_FADV_WILLNEED);
  char *next = static_cast<char *>(data);
  while (size) {
    ssize_t count = pread(descriptor, next, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      badInput(path.string() + ": cannot be read at byte " + std::to_string(offset) + ": " +
               (count < 0 ? std::strerror(errno) : "the file has become shorter"));
    next += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<uint64_t>(count);
  }
}

void StreamFile::write(uint64_t offset, const void *data, uint64_t size) const {
  const char *next = static_cast<const char *>(data);
  uint64_t begin = offset, whole = size;
  while (size) {
    ssize_t count = pwrite(descriptor, next, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throwWriteError("write", path, count < 0 ? errno : ENOSPC);
    next += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<uint64_t>(count);
  }
#ifdef __linux__
  sync_file_range(descriptor, static_cast<off_t>(begin), static_cast<off_t>(whole), SYNC_FILE_RANGE_WRITE);
#else
  (void)begin, (void)whole;
#endif
}

void StreamFile::sync() const {
  if (fdatasync(descriptor) != 0)
    throwWriteError("write", path, errno);
}

} // namespace mlora
