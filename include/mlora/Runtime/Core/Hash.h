// xxh3-128 as 32 hex digits, the way `xxhsum -H2` prints it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace mlora {

/// Hash of data given piece by piece.
class Hasher {
public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher &) = delete;
  Hasher &operator=(const Hasher &) = delete;

  Hasher &update(const void *data, size_t size);
  Hasher &update(std::string_view text) { return update(text.data(), text.size()); }
  /// Little-endian bytes of a number.
  Hasher &update(uint64_t number);
  std::string hex() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

std::string hashHex(const void *data, size_t size);
inline std::string hashHex(std::string_view text) { return hashHex(text.data(), text.size()); }
std::string hashFileHex(const std::filesystem::path &path);

/// 64 bits of a text under a seed, for random streams that belong to a name.
uint64_t hash64(std::string_view text, uint64_t seed);

} // namespace mlora
