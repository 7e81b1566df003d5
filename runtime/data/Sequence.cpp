#include "mlora/Runtime/Data/Sequence.h"

#include "mlora/Runtime/Data/MicroBatch.h"

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
