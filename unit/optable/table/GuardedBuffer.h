// Memory between guards: a write outside of it is seen.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace optable {

class GuardedBuffer {
public:
  /// `bytes` of memory, aligned to 64, filled with NaNs.
  explicit GuardedBuffer(size_t bytes) : bytes(bytes), words((bytes + 3) / 4 + 2 * guardWords + 16) {
    for (size_t i = 0; i < words.size(); ++i)
      words[i] = guardWord(i);
    size_t misaligned = reinterpret_cast<uintptr_t>(words.data() + guardWords) % 64;
    start = guardWords + (misaligned ? (64 - misaligned) / 4 : 0);
  }

  void *data() { return words.data() + start; }
  size_t size() const { return bytes; }

  /// How many bytes from the memory's begin the first damage is; empty when there is none.
  std::string damage() const {
    auto *memory = reinterpret_cast<const char *>(words.data());
    size_t from = start * 4, to = from + bytes;
    for (auto [first, last] : {std::pair(size_t(0), from), std::pair(to, words.size() * 4)})
      for (size_t i = first; i < last; ++i) {
        uint32_t word = guardWord(i / 4);
        if (memory[i] != reinterpret_cast<const char *>(&word)[i % 4])
          return std::to_string(int64_t(i) - int64_t(from)) + " bytes from the begin of " +
                 std::to_string(bytes);
      }
    return {};
  }

  /// NaNs of which no two neighbours are equal, so that copying guards is seen as well.
  static uint32_t guardWord(size_t i) { return 0x7fe00000u + uint32_t(i % 0xfffff); }

private:
  static constexpr size_t guardWords = 1024;
  size_t bytes, start;
  std::vector<uint32_t> words;
};

} // namespace optable
