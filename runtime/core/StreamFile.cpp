#include "mlora/Runtime/Core/StreamFile.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/WriteError.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace mlora {

// Memory and file offsets of direct transfers are multiples of a page, which no disk's block exceeds.
static const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));

static uint64_t pageBegin(uint64_t offset) { return offset / page * page; }
static uint64_t pageEnd(uint64_t offset) { return pageBegin(offset + page - 1); }

uint8_t *PageBuffer::at(uint64_t offset, uint64_t size) {
  uint64_t needed = pageEnd(offset + size) - pageBegin(offset);
  if (needed > bytes) {
    memory.reset();
    bytes = 0;
    memory.reset(static_cast<uint8_t *>(std::aligned_alloc(page, needed)));
    if (!memory)
      throw std::bad_alloc();
    bytes = needed;
  }
  return memory.get() + offset % page;
}

StreamFile::StreamFile(fs::path path, int descriptor, int flags)
    : path(std::move(path)), descriptor(descriptor) {
#ifdef O_DIRECT
  direct = open(this->path.c_str(), flags | O_DIRECT | O_CLOEXEC);
#else
  (void)flags;
#endif
}

StreamFile StreamFile::input(const fs::path &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    badInput(path.string() + ": cannot be opened: " + std::strerror(errno));
  StreamFile file(path, descriptor, O_RDONLY);
  struct stat status {};
  if (file.direct >= 0 && fstat(descriptor, &status) == 0 && status.st_size > 0) {
    uint64_t size = static_cast<uint64_t>(status.st_size);
    void *view = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (view != MAP_FAILED) {
      file.view = view;
      file.viewed = size;
    }
  }
  return file;
}

StreamFile StreamFile::output(const fs::path &path, uint64_t bytes) {
  int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0)
    throwWriteError("write", path, errno);
  StreamFile file(path, descriptor, O_WRONLY);
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
    : path(std::move(other.path)), descriptor(std::exchange(other.descriptor, -1)),
      direct(std::exchange(other.direct, -1)), view(std::exchange(other.view, nullptr)),
      viewed(std::exchange(other.viewed, 0)) {}

StreamFile::~StreamFile() {
  if (view)
    munmap(view, viewed);
  if (direct >= 0)
    close(direct);
  if (descriptor >= 0)
    close(descriptor);
}

const uint8_t *StreamFile::read(uint64_t offset, uint64_t size, PageBuffer &buffer) const {
  uint8_t *data = buffer.at(offset, size);
  uint64_t done = 0;
  if (direct >= 0 && size && !isCached(offset, size))
    done = readDirectly(offset, size, data);
  readCached(offset + done, size - done, data + done);
  return data;
}

/// Whole pages around what is asked for; returns how much of that is there. The page cache does the rest, and
/// finds words for what went wrong.
uint64_t StreamFile::readDirectly(uint64_t offset, uint64_t size, uint8_t *data) const {
  uint64_t begin = pageBegin(offset), end = pageEnd(offset + size), next = begin;
  while (next < end) {
    ssize_t count =
        pread(direct, data - (offset - begin) + (next - begin), end - next, static_cast<off_t>(next));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break;
    next += static_cast<uint64_t>(count);
    if (next % page) // the file's end
      break;
  }
  return next > offset ? std::min(next - offset, size) : 0;
}

void StreamFile::readCached(uint64_t offset, uint64_t size, uint8_t *data) const {
  // Without direct reads: some pieces ahead, so that the disk works while this one is computed.
  constexpr uint64_t ahead = 16 << 20;
  if (direct < 0 && size)
    posix_fadvise(descriptor, static_cast<off_t>(offset + ahead), static_cast<off_t>(size),
                  POSIX_FADV_WILLNEED);
  while (size) {
    ssize_t count = pread(descriptor, data, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      badInput(path.string() + ": cannot be read at byte " + std::to_string(offset) + ": " +
               (count < 0 ? std::strerror(errno) : "the file has become shorter"));
    data += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<uint64_t>(count);
  }
}

/// Whether memory has these pages already, as it has those of a model that was just trained.
bool StreamFile::isCached(uint64_t offset, uint64_t size) const {
#ifdef __linux__
  uint64_t begin = pageBegin(offset), end = std::min(pageEnd(offset + size), pageEnd(viewed));
  if (begin >= end)
    return false;
  std::vector<unsigned char> resident((end - begin) / page);
  return mincore(static_cast<char *>(view) + begin, end - begin, resident.data()) == 0 &&
         std::all_of(resident.begin(), resident.end(), [](unsigned char each) { return each & 1; });
#else
  return false;
#endif
}

void StreamFile::write(uint64_t offset, const void *data, uint64_t size) const {
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  uint64_t begin = pageEnd(offset), end = pageBegin(offset + size);
  bool fits = direct >= 0 && begin < end && reinterpret_cast<uintptr_t>(bytes + (begin - offset)) % page == 0;
  if (!fits || !writeDirectly(begin, bytes + (begin - offset), end - begin))
    return writeCached(offset, bytes, size);
  // Pages that a neighbouring piece shares.
  writeCached(offset, bytes, begin - offset);
  writeCached(end, bytes + (end - offset), offset + size - end);
}

/// False where the file system turns out not to take it: nothing is lost then, all is written the other way.
bool StreamFile::writeDirectly(uint64_t offset, const uint8_t *data, uint64_t size) const {
  while (size) {
    ssize_t count = pwrite(direct, data, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno == EINVAL)
      return false;
    if (count <= 0)
      throwWriteError("write", path, count < 0 ? errno : ENOSPC);
    if (static_cast<uint64_t>(count) < size && count % static_cast<ssize_t>(page))
      return false;
    data += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<uint64_t>(count);
  }
  return true;
}

void StreamFile::writeCached(uint64_t offset, const uint8_t *data, uint64_t size) const {
  [[maybe_unused]] uint64_t begin = offset, whole = size;
  while (size) {
    ssize_t count = pwrite(descriptor, data, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throwWriteError("write", path, count < 0 ? errno : ENOSPC);
    data += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<uint64_t>(count);
  }
#ifdef __linux__
  if (whole >= page) // lets the disk begin
    sync_file_range(descriptor, static_cast<off_t>(begin), static_cast<off_t>(whole), SYNC_FILE_RANGE_WRITE);
#endif
}

void StreamFile::sync() const {
  if (fdatasync(descriptor) != 0)
    throwWriteError("write", path, errno);
}

} // namespace mlora
