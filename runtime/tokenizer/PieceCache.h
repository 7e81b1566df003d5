// Ids of pieces seen before: in ordinary text most pieces are.
#pragma once

#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlora::tokenization {

/// Safe from several threads. Long pieces are rare and large, so they are left out; when it is full it stays
/// as it is.
class PieceCache {
public:
  static bool wants(std::string_view piece) { return piece.size() <= longest; }

  /// Appends the piece's ids to `ids`, where they are known.
  bool find(std::string_view piece, std::vector<int32_t> &ids) const {
    std::shared_lock lock(mutex);
    auto found = entries.find(piece);
    if (found == entries.end())
      return false;
    ids.insert(ids.end(), found->second.begin(), found->second.end());
    return true;
  }

  void insert(std::string_view piece, const int32_t *first, const int32_t *last) {
    std::unique_lock lock(mutex);
    if (entries.size() < most)
      entries.try_emplace(std::string(piece), first, last);
  }

private:
  static constexpr size_t longest = 64, most = 1 << 16;
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  mutable std::shared_mutex mutex;
  std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>> entries;
};

} // namespace mlora::tokenization
