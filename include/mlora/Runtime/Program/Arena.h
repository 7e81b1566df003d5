// The one allocation of the host that holds every buffer of a program for the CPU.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mlora {

/// Bytes of memory that this machine has.
int64_t physicalMemory();

/// Zeroed, on huge pages where the system has them. Pages count as resident once they are touched.
class Arena {
public:
  /// Throws Error(Failed) when the machine has not that much memory.
  explicit Arena(int64_t bytes);
  ~Arena();
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  std::byte *at(int64_t offset) const { return base + offset; }
  int64_t bytes() const { return size; }

private:
  std::byte *base = nullptr;
  int64_t size, mapped;
};

} // namespace mlora
