// Which examples share a sequence.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace mlora {

/// First fit: each example, in order, goes into the oldest open sequence that has room for all of it, else
/// opens a new one. At most `open` sequences are open: the oldest closes when one more opens (1: the
/// examples' order stays). Returns positions in `lengths`, which are at most `capacity` each.
std::vector<std::vector<int64_t>> packFirstFit(std::span<const int64_t> lengths, int64_t capacity,
                                               int64_t open);

/// The same, item by item, for items that come one after another without end: a sequence is given away when
/// it closes (it is full, or the oldest of too many).
class StreamPacker {
public:
  StreamPacker(int64_t capacity, int64_t open) : capacity(capacity), most(open) {}

  void add(int64_t item, int64_t length);
  /// Closes all.
  void flush();
  /// Closed and not taken yet, oldest first.
  std::deque<std::vector<int64_t>> closed;

private:
  struct Open {
    std::vector<int64_t> items;
    int64_t room;
  };
  int64_t capacity, most;
  std::deque<Open> open;
};

} // namespace mlora
