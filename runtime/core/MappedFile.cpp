#include "mlora/Runtime/Core/MappedFile.h"

#include "mlora/Runtime/Core/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace mlora {

MappedFile::MappedFile(const std::filesystem::path &path) : filePath(path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    badInput(path.string() + ": cannot be opened: " + std::strerror(errno));
  struct stat status {};
  bool regular = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  length = regular ? static_cast<size_t>(status.st_size) : 0;
  // mmap refuses a length of zero; an empty file is an empty span.
  void *address = length ? mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor, 0) : nullptr;
  int error = errno;
  close(descriptor);
  if (!regular)
    badInput(path.string() + ": is not a regular file");
  if (address == MAP_FAILED)
    failed(path.string() + ": cannot be mapped: " + std::strerror(error));
  base = static_cast<const uint8_t *>(address);
}

MappedFile::~MappedFile() {
  if (base)
    munmap(const_cast<uint8_t *>(base), length);
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : filePath(std::move(other.filePath)), base(std::exchange(other.base, nullptr)),
      length(std::exchange(other.length, 0)) {}

void MappedFile::release(size_t offset, size_t size) const {
  if (!base || !size || offset >= length)
    return;
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t first = offset / page * page;
  size_t last = size > length - offset ? length : offset + size;
  // Advice only: a failure costs memory, not correctness.
  madvise(const_cast<uint8_t *>(base) + first, last - first, MADV_DONTNEED);
}

} // namespace mlora
