// A file seen as memory, read only, whose pages can be given back after use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace mlora {

/// Maps a whole file for reading. The descriptor is closed at once; the mapping ends with the object.
class MappedFile {
public:
  /// Throws Error(BadInput) when the path is missing, is no regular file, or may not be read.
  explicit MappedFile(const std::filesystem::path &path);
  ~MappedFile();
  MappedFile(MappedFile &&other) noexcept;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  MappedFile &operator=(MappedFile &&) = delete;

  const std::filesystem::path &path() const { return filePath; }
  std::span<const uint8_t> bytes() const { return {base, length}; }
  size_t size() const { return length; }

  /// Lets the kernel drop the resident pages that hold [offset, offset + size). They can still be read:
  /// touching them again fetches them from the file, so rounding outward to whole pages is safe.
  void release(size_t offset, size_t size) const;

private:
  std::filesystem::path filePath;
  const uint8_t *base = nullptr;
  size_t length = 0;
};

} // namespace mlora
