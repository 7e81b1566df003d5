// Global memory of the emulated device: buffers in one arena, guard zones between them.
#pragma once

#include "mlora/Runtime/Emulator/Abi.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mlora::emulator {

class GlobalMemory {
public:
  /// Addresses for so much; pages come when they are touched.
  explicit GlobalMemory(size_t capacity);
  ~GlobalMemory();
  GlobalMemory(const GlobalMemory &) = delete;
  GlobalMemory &operator=(const GlobalMemory &) = delete;

  /// Zeroed memory, 256-byte aligned as cudaMalloc's. Throws mlora::Error when the arena is full.
  char *allocate(size_t bytes, std::string name);
  /// What begins at `allocation` is gone, views of it included; its place is used again.
  void free(char *allocation);
  /// How messages call what begins at `allocation`.
  void rename(char *allocation, std::string name);

  /// A part of an allocation, under a name of its own.
  struct View {
    char *begin;
    size_t bytes;
    std::string name;
  };
  /// Of the allocation that begins at `allocation` only these parts may be accessed from here on. Views may
  /// be the same, but not overlap otherwise.
  void showOnly(char *allocation, std::vector<View> views);

  /// All of every allocation may be accessed again.
  void showAll();

  bool contains(uint64_t address, size_t bytes) const;
  /// Where an address is, for messages: "4 bytes after %a (1024 bytes)".
  std::string describe(uint64_t address) const;

  uint64_t base() const { return reinterpret_cast<uint64_t>(arena); }
  size_t bytes() const { return granules.size() * kGranule; } ///< from the base to where nothing has been yet
  const uint8_t *shadow() const { return granules.data(); }

private:
  struct Buffer {
    uint64_t begin, bytes;
    std::string name;
  };
  const Buffer *before(uint64_t address) const;
  void mark(uint64_t begin, size_t bytes);
  void hide(const Buffer &buffer);
  uint64_t place(size_t bytes);

  char *arena;
  size_t capacity, used = 0;
  std::vector<uint8_t> granules;
  std::vector<Buffer> buffers; ///< what may be accessed, by address
  std::vector<Buffer> hidden;  ///< allocations of which only views are shown
  std::vector<Buffer> freed;   ///< holes between allocations, by address, named after the last one there
};

} // namespace mlora::emulator
