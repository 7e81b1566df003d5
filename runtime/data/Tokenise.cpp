#include "Tokenise.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Data/MicroBatch.h"
#include "mlora/Runtime/Tokenizer/Bos.h"

#include <algorithm>
#include <set>

namespace mlora {

Sequence tokenise(const Example &example, const Tokenizer &tokenizer) {
  Sequence row;
  row.ids = encodeWithBos(tokenizer, example.prompt + example.completion);
  size_t first = 0; // of the tokens that are trained
  if (!example.prompt.empty()) {
    std::vector<int32_t> alone = encodeWithBos(tokenizer, example.prompt);
    first = std::mismatch(row.ids.begin(), row.ids.end(), alone.begin(), alone.end()).first - row.ids.begin();
  }
  // The text itself may end with this token: it is not doubled.
  if (auto eos = tokenizer.eos(); eos && (row.ids.empty() || row.ids.back() != *eos))
    row.ids.push_back(*eos);
  row.labels = row.ids;
  // Nothing predicts a document's first token.
  first = std::min(std::max<size_t>(first, 1), row.ids.size());
  std::fill(row.labels.begin(), row.labels.begin() + first, ignoredLabel);
  row.documents.assign(row.ids.size(), 0);
  return row;
}

Sequence tokenise(const ChatTemplate::Text &conversation, const Tokenizer &tokenizer) {
  Sequence row;
  row.ids = tokenizer.encode(conversation.text);
  row.labels.assign(row.ids.size(), ignoredLabel);
  row.documents.assign(row.ids.size(), 0);
  auto tokensOf = [&](size_t bytes) {
    std::vector<int32_t> ids = tokenizer.encode(std::string_view(conversation.text).substr(0, bytes));
    return size_t(std::ranges::mismatch(ids, row.ids).in1 - ids.begin());
  };
  for (const TextSpan &span : conversation.generated) {
    size_t first = std::max<size_t>(tokensOf(span.begin), 1), last = tokensOf(span.end);
    for (size_t t = first; t < last; ++t)
      row.labels[t] = row.ids[t];
  }
  return row;
}

namespace {

std::vector<int32_t> integers(const RowJson &row, const char *key, const std::string &where) {
  const RowJson &list = row.at(key);
  auto fits = [](const RowJson &value) {
    return value.is_number_unsigned() ? value.get<uint64_t>() <= INT32_MAX
                                      : value.is_number_integer() && value >= INT32_MIN && value <= INT32_MAX;
  };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), fits))
    badInput(where + ": " + key + ": expected a list of whole numbers");
  return list.get<std::vector<int32_t>>();
}

/// Any numbers become 0, 1, … in order of appearance.
void renumber(std::vector<int32_t> &documents, const std::string &where) {
  std::set<int32_t> seen;
  int32_t previous = 0, number = -1;
  for (int32_t &document : documents) {
    if (number < 0 || document != previous) {
      if (!seen.insert(document).second)
        badInput(where + ": document_ids: document " + std::to_string(document) + " is in two pieces");
      previous = document;
      ++number;
    }
    document = number;
  }
}

/// Lists that other programs write beside the ids must say what we would do anyway.
void checkImplied(const RowJson &row, const Sequence &result, const std::string &where) {
  if (row.contains("attention_mask")) {
    std::vector<int32_t> mask = integers(row, "attention_mask", where);
    if (std::any_of(mask.begin(), mask.end(), [](int32_t value) { return value != 1; }))
      badInput(where + ": attention_mask: rows must not be padded");
  }
  if (!row.contains("position_ids"))
    return;
  std::vector<int32_t> positions = integers(row, "position_ids", where);
  bool same = positions.size() == result.ids.size();
  for (size_t t = 0; same && t < positions.size(); ++t)
    same =
        positions[t] == (t > 0 && result.documents[t] == result.documents[t - 1] ? positions[t - 1] + 1 : 0);
  if (!same)
    badInput(where + ": position_ids: positions begin at 0 in each document of document_ids");
}

} // namespace

Sequence readTokenised(const RowJson &row, const std::string &where) {
  Sequence result;
  result.ids = integers(row, "input_ids", where);
  result.labels = row.contains("labels") ? integers(row, "labels", where) : result.ids;
  result.documents = row.contains("document_ids") ? integers(row, "document_ids", where)
                                                  : std::vector<int32_t>(result.ids.size(), 0);
  if (result.labels.size() != result.ids.size() || result.documents.size() != result.ids.size())
    badInput(where + ": input_ids has " + std::to_string(result.ids.size()) + " tokens, labels " +
             std::to_string(result.labels.size()) + ", document_ids " +
             std::to_string(result.documents.size()));
  renumber(result.documents, where);
  checkImplied(row, result, where);
  for (size_t t = 0; t < result.ids.size(); ++t)
    if (t == 0 || result.documents[t] != result.documents[t - 1])
      result.labels[t] = ignoredLabel;
  return result;
}

void checkVocabulary(const Sequence &row, int64_t vocabSize, const std::string &where) {
  auto check = [&](int32_t id, const char *what) {
    if (id < 0 || (vocabSize > 0 && id >= vocabSize))
      badInput(where + ": " + what + " " + std::to_string(id) + " is outside the model's vocabulary" +
               (vocabSize > 0 ? " of " + std::to_string(vocabSize) : "") +
               ": tokenizer (or tokenised data) and checkpoint do not match");
  };
  for (int32_t id : row.ids)
    check(id, "token");
  for (int32_t label : row.labels)
    if (label != ignoredLabel)
      check(label, "label");
}

} // namespace mlora
