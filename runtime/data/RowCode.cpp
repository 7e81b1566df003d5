#include "RowCode.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Data/MicroBatch.h"

#include <algorithm>

namespace mlora {
namespace {

constexpr int32_t ownLabels = 1, ownDocuments = 2;

} // namespace

std::vector<int32_t> encodeRow(const Sequence &row) {
  auto counts = std::ranges::find_if(row.labels, [](int32_t label) { return label != ignoredLabel; });
  auto first = int32_t(counts - row.labels.begin());
  bool usual = std::equal(counts, row.labels.end(), row.ids.begin() + first);
  bool several = std::ranges::any_of(row.documents, [](int32_t document) { return document != 0; });
  std::vector<int32_t> words = {(usual ? 0 : ownLabels) | (several ? ownDocuments : 0), first};
  words.insert(words.end(), row.ids.begin(), row.ids.end());
  if (!usual)
    words.insert(words.end(), row.labels.begin(), row.labels.end());
  if (several)
    words.insert(words.end(), row.documents.begin(), row.documents.end());
  return words;
}

Sequence decodeRow(std::span<const int32_t> words) {
  int32_t flags = words.empty() ? -1 : words[0];
  size_t lists = 1 + bool(flags & ownLabels) + bool(flags & ownDocuments);
  if (flags < 0 || flags > 3 || words.size() < 2 || (words.size() - 2) % lists != 0)
    failed("a tokenised row is damaged");
  auto size = (words.size() - 2) / lists;
  auto first = size_t(words[1]);
  if (first > size)
    failed("a tokenised row is damaged");
  auto list = [&](size_t index) {
    std::span<const int32_t> part = words.subspan(2 + index * size, size);
    return std::vector<int32_t>(part.begin(), part.end());
  };
  Sequence row;
  row.ids = list(0);
  row.labels = flags & ownLabels ? list(1) : row.ids;
  if (!(flags & ownLabels))
    std::fill_n(row.labels.begin(), first, ignoredLabel);
  row.documents = flags & ownDocuments ? list(lists - 1) : std::vector<int32_t>(size, 0);
  return row;
}

} // namespace mlora
