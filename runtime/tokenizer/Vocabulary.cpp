#include "Vocabulary.h"

#include <algorithm>

namespace mlora::tokenization {

// Far above any real vocabulary, so that a wild id is an error and not gigabytes.
static constexpr int64_t largestId = 10'000'000;

Vocabulary::Vocabulary(const JsonFields &model) {
  JsonFields vocab = model.object("vocab");
  int64_t end = 0;
  for (auto entry = vocab.raw().begin(); entry != vocab.raw().end(); ++entry) {
    if (!entry->is_number_integer() || *entry < 0 || *entry > largestId)
      vocab.refuse(entry.key().c_str(),
                   "an id from 0 to " + std::to_string(largestId) + " is expected, found " + entry->dump());
    end = std::max(end, entry->get<int64_t>() + 1);
  }
  tokens.resize(end);
  ids.reserve(vocab.raw().size());
  std::vector<bool> taken(end);
  for (auto entry = vocab.raw().begin(); entry != vocab.raw().end(); ++entry) {
    auto id = entry->get<int32_t>();
    if (taken[id])
      vocab.refuse(entry.key().c_str(),
                   "its id " + std::to_string(id) + " is that of \"" + tokens[id] + "\" too");
    taken[id] = true;
    tokens[id] = entry.key();
    ids.emplace(tokens[id], id);
  }
}

std::optional<int32_t> Vocabulary::id(std::string_view token) const {
  auto found = ids.find(token);
  return found == ids.end() ? std::nullopt : std::optional(found->second);
}

const std::string *Vocabulary::token(int32_t id) const {
  if (id < 0 || id >= end())
    return nullptr;
  // An id that was left out holds an empty text, which is another token's or nobody's.
  const std::string &text = tokens[id];
  return text.empty() && this->id(text) != id ? nullptr : &text;
}

} // namespace mlora::tokenization
