// Which two tokens merge, how early, and into what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mlora::tokenization {

struct Merge {
  uint32_t rank; ///< lower is earlier
  int32_t id;    ///< of the merged token
};

/// A hash table of pairs of ids with open addressing: merging looks up two pairs for each merge it makes.
class MergeTable {
public:
  explicit MergeTable(size_t merges) {
    size_t capacity = 16;
    while (capacity < 2 * merges)
      capacity *= 2;
    slots.resize(capacity);
  }

  /// At most as many different pairs as the constructor was told. A later merge of a pair replaces an
  /// earlier.
  void set(int32_t left, int32_t right, Merge merge) {
    uint64_t key = keyOf(left, right);
    slots[indexOf(key)] = {key, merge};
  }

  /// Null where the two do not merge.
  const Merge *find(int32_t left, int32_t right) const {
    const Slot &slot = slots[indexOf(keyOf(left, right))];
    return slot.key == vacant ? nullptr : &slot.merge;
  }

private:
  static constexpr uint64_t vacant = ~uint64_t(0); // no pair: ids are not negative
  struct Slot {
    uint64_t key = vacant;
    Merge merge{};
  };

  static uint64_t keyOf(int32_t left, int32_t right) {
    return uint64_t(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  /// Of the slot that has the key, or the vacant one where it goes.
  size_t indexOf(uint64_t key) const {
    uint64_t hash = key * 0x9E3779B97F4A7C15; // Fibonacci hashing; the high half is the well-mixed one
    size_t index = (hash >> 32) & (slots.size() - 1);
    while (slots[index].key != vacant && slots[index].key != key)
      index = (index + 1) & (slots.size() - 1);
    return index;
  }

  std::vector<Slot> slots;
};

} // namespace mlora::tokenization
