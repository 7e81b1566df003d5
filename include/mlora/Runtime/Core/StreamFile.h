// A file read or written in pieces, by several threads, without filling memory with its pages.
#pragma once

#include <cstdint>
#include <filesystem>

namespace mlora {

class StreamFile {
public:
  /// Opens a file for reading.
  static StreamFile input(const std::filesystem::path &path);
  /// Opens or makes a file of `bytes` bytes, its place on the disk taken now where the file system can.
  static StreamFile output(const std::filesystem::path &path, uint64_t bytes);
  StreamFile(StreamFile &&other) noexcept;
  ~StreamFile();

  /// All of `size` bytes, or an Error. What follows is fetched ahead.
  void read(uint64_t offset, void *data, uint64_t size) const;
  /// Writes, and lets the disk begin with it.
  void write(uint64_t offset, const void *data, uint64_t size) const;
  /// Returns when everything written is on disk.
  void sync() const;

private:
  StreamFile(std::filesystem::path path, int descriptor) : path(std::move(path)), descriptor(descriptor) {}
  std::filesystem::path path;
  int descriptor = -1;
};

} // namespace mlora
