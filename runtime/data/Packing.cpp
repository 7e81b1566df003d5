#include "Packing.h"

#include <algorithm>

namespace mlora {

std::vector<std::vector<int64_t>> packFirstFit(std::span<const int64_t> lengths, int64_t capacity,
                                               int64_t open) {
  struct Open {
    size_t sequence;
    int64_t room;
  };
  std::vector<std::vector<int64_t>> sequences;
  std::deque<Open> candidates; // oldest first
  for (int64_t i = 0; i < int64_t(lengths.size()); ++i) {
    auto found = candidates.begin();
    while (found != candidates.end() && found->room < lengths[i])
      ++found;
    if (found == candidates.end()) {
      if (int64_t(candidates.size()) == open)
        candidates.pop_front();
      sequences.emplace_back();
      found = candidates.insert(candidates.end(), {sequences.size() - 1, capacity});
    }
    sequences[found->sequence].push_back(i);
    found->room -= lengths[i];
    if (found->room == 0)
      candidates.erase(found);
  }
  return sequences;
}

void StreamPacker::add(int64_t item, int64_t length) {
  auto place = std::ranges::find_if(open, [&](const Open &sequence) { return sequence.room >= length; });
  if (place == open.end()) {
    if (int64_t(open.size()) == most) {
      closed.push_back(std::move(open.front().items));
      open.pop_front();
    }
    place = open.insert(open.end(), {{}, capacity});
  }
  place->items.push_back(item);
  place->room -= length;
  if (place->room == 0) {
    closed.push_back(std::move(place->items));
    open.erase(place);
  }
}

void StreamPacker::flush() {
  for (Open &sequence : open)
    closed.push_back(std::move(sequence.items));
  open.clear();
}

} // namespace mlora
