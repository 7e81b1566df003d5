#include "mlora/Runtime/Data/Sequence.h"

#include "mlora/Runtime/Data/MicroBatch.h"

#include <algorithm>
#include <cstddef>

namespace mlora {

int64_t Sequence::countedLabels() const {
  int64_t count = 0;
  for (int32_t label : labels)
    count += label != ignoredLabel;
  return count;
}

void Sequence::truncate(int64_t most) {
  int64_t lost = size() - most;
  if (lost <= 0)
    return;
  for (std::vector<int32_t> *list : {&ids, &labels, &documents})
    list->resize(std::size_t(most));
  cut.assign(most > 0 ? std::size_t(documents.back()) + 1 : 0, 0);
  if (most > 0)
    cut.back() = lost;
}

int64_t Sequence::countWindows(int64_t most) const {
  return most < 2 || size() <= most ? 1 : (size() - 2) / (most - 1) + 1;
}

Sequence Sequence::window(int64_t index, int64_t most) const {
  int64_t first = index * (most - 1), last = std::min(first + most, size());
  auto part = [&](const std::vector<int32_t> &list) {
    return std::vector<int32_t>(list.begin() + first, list.begin() + last);
  };
  Sequence result{part(ids), part(labels), part(documents)};
  result.labels.front() = ignoredLabel;
  return result;
}

void Sequence::append(const Sequence &other) {
  int32_t next = documents.empty() ? 0 : documents.back() + 1;
  if (!cut.empty() || !other.cut.empty()) {
    cut.resize(std::size_t(next));
    cut.insert(cut.end(), other.cut.begin(), other.cut.end());
    cut.resize(std::size_t(next) + (other.documents.empty() ? 0 : std::size_t(other.documents.back()) + 1));
  }
  ids.insert(ids.end(), other.ids.begin(), other.ids.end());
  labels.insert(labels.end(), other.labels.begin(), other.labels.end());
  for (int32_t document : other.documents)
    documents.push_back(next + document);
}

} // namespace mlora
