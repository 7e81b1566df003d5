#include "mlora/Runtime/Data/Sequence.h"

#include "mlora/Runtime/Data/MicroBatch.h"

namespace mlora {

int64_t Sequence::countedLabels() const {
  int64_t count = 0;
  for (int32_t label : labels)
    count += label != ignoredLabel;
  return count;
}

void Sequence::append(const Sequence &other) {
  int32_t next = documents.empty() ? 0 : documents.back() + 1;
  ids.insert(ids.end(), other.ids.begin(), other.ids.end());
  labels.insert(labels.end(), other.labels.begin(), other.labels.end());
  for (int32_t document : other.documents)
    documents.push_back(next + document);
}

} // namespace mlora
