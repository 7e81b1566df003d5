#include "mlora/Runtime/Core/Hash.h"

#include "mlora/Runtime/Core/MappedFile.h"

#include <algorithm>
#include <xxhash.h>

namespace mlora {

static std::string hexOf(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char byte : canonical.digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

struct Hasher::State {
  XXH3_state_t *state = XXH3_createState();
  State() { XXH3_128bits_reset(state); }
  ~State() { XXH3_freeState(state); }
};

Hasher::Hasher() : state(std::make_unique<State>()) {}
Hasher::~Hasher() = default;

Hasher &Hasher::update(const void *data, size_t size) {
  XXH3_128bits_update(state->state, data, size);
  return *this;
}

Hasher &Hasher::update(uint64_t number) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<unsigned char>(number >> (8 * i));
  return update(bytes, sizeof bytes);
}

std::string Hasher::hex() const { return hexOf(XXH3_128bits_digest(state->state)); }

std::string hashHex(const void *data, size_t size) { return hexOf(XXH3_128bits(data, size)); }

std::string hashFileHex(const std::filesystem::path &path) {
  MappedFile file(path);
  Hasher hasher;
  constexpr size_t piece = 8 << 20;
  for (size_t offset = 0; offset < file.size(); offset += piece) {
    size_t size = std::min(piece, file.size() - offset);
    hasher.update(file.bytes().data() + offset, size);
    file.release(offset, size);
  }
  return hasher.hex();
}

uint64_t hash64(std::string_view text, uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

} // namespace mlora
