// A file read or written in pieces, by several threads, past the page cache where the file system can: memory
// does not fill with its pages, and no processor copies them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace mlora {

/// Memory for pieces of files. A piece lies as far behind a page's begin as it does in its file, which is
/// what reading and writing past the page cache ask for.
class PageBuffer {
public:
  /// Room for the bytes [offset, offset + size) of a file; what was there before is gone. The whole pages
  /// around it are the buffer's too.
  uint8_t *at(uint64_t offset, uint64_t size);

private:
  struct Free {
    void operator()(uint8_t *memory) const { std::free(memory); }
  };
  std::unique_ptr<uint8_t[], Free> memory;
  uint64_t bytes = 0;
};

class StreamFile {
public:
  /// Opens a file for reading.
  static StreamFile input(const std::filesystem::path &path);
  /// Opens or makes a file of `bytes` bytes, its place on the disk taken now where the file system can.
  static StreamFile output(const std::filesystem::path &path, uint64_t bytes);
  StreamFile(StreamFile &&other) noexcept;
  ~StreamFile();

  /// All of `size` bytes, which lie in `buffer`, or an Error.
  const uint8_t *read(uint64_t offset, uint64_t size, PageBuffer &buffer) const;
  /// Writes. What lies in a PageBuffer `at` this offset goes straight to the disk, but for the pages at its
  /// ends; of other memory the disk is told to begin.
  void write(uint64_t offset, const void *data, uint64_t size) const;
  /// Returns when everything written is on disk.
  void sync() const;

private:
  StreamFile(std::filesystem::path path, int descriptor, int flags);
  uint64_t readDirectly(uint64_t offset, uint64_t size, uint8_t *data) const;
  void readCached(uint64_t offset, uint64_t size, uint8_t *data) const;
  bool isCached(uint64_t offset, uint64_t size) const;
  bool writeDirectly(uint64_t offset, const uint8_t *data, uint64_t size) const;
  void writeCached(uint64_t offset, const uint8_t *data, uint64_t size) const;

  std::filesystem::path path;
  int descriptor = -1, direct = -1; ///< direct: -1 where the file system knows no such thing
  void *view = nullptr;             ///< of an input, to ask which pages are in memory
  uint64_t viewed = 0;              ///< its bytes
};

} // namespace mlora
