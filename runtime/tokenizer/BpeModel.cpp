#include "BpeModel.h"

#include "Component.h"
#include "Utf8.h"

#include <algorithm>
#include <cstdio>
#include <queue>

namespace mlora::tokenization {

/// A token in the doubly linked list of a piece's tokens.
struct BpeModel::Symbol {
  int32_t id;
  int32_t previous, next; ///< -1 at the ends
  bool alive = true;      ///< false once it has become part of the one before it
};

namespace {

/// Two neighbours that could merge when this was noted; they may have changed since.
struct Candidate {
  uint32_t rank;
  int32_t position; ///< of the left one
  int32_t id;       ///< of the merged token

  /// The earliest rank first, then the leftmost.
  bool operator<(const Candidate &other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

/// The two tokens of a merge, written "a b" or ["a", "b"]. Views of `merge`.
std::pair<std::string_view, std::string_view> mergedPair(const nlohmann::json &merge, uint32_t index,
                                                         const JsonFields &model) {
  auto textOf = [](const nlohmann::json &value) -> std::string_view {
    return value.get_ref<const std::string &>();
  };
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return {textOf(merge[0]), textOf(merge[1])};
  if (merge.is_string()) {
    std::string_view text = textOf(merge);
    size_t space = text.find(' ');
    if (space != text.npos && text.find(' ', space + 1) == text.npos)
      return {text.substr(0, space), text.substr(space + 1)};
  }
  badInput(model.where() + ": merges[" + std::to_string(index) + "]: \"a b\" or [\"a\", \"b\"] is expected");
}

void refuseText(const JsonFields &model, const char *key) {
  if (!model.optionalString(key).value_or("").empty())
    model.refuse(key, "is not supported");
}

} // namespace

BpeModel::BpeModel(const JsonFields &model) : tokens(model) {
  if (model.optionalString("type").value_or("BPE") != "BPE")
    refuseType(model, "BPE");
  allowOnly(model, {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                    "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"});
  if (model.optionalNumber("dropout").value_or(0) != 0)
    model.refuse("dropout", "is not supported: the same text would have different ids each time");
  refuseText(model, "continuing_subword_prefix");
  refuseText(model, "end_of_word_suffix");
  fuseUnknown = model.optionalBoolean("fuse_unk").value_or(false);
  wholePieceWins = model.optionalBoolean("ignore_merges").value_or(false);
  if (auto token = model.optionalString("unk_token")) {
    unknown = tokens.id(*token);
    if (!unknown)
      model.refuse("unk_token", "the vocabulary has no token \"" + *token + "\"");
  }
  if (model.optionalBoolean("byte_fallback").value_or(false)) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", byte);
      byteTokens.push_back(tokens.id(name).value_or(-1));
    }
  }
  addMerges(model);
}

void BpeModel::addMerges(const JsonFields &model) {
  auto list = model.raw().find("merges");
  if (list == model.raw().end() || !list->is_array())
    model.refuse("merges", "a list is expected");
  merges = std::make_unique<MergeTable>(list->size());
  uint32_t rank = 0;
  auto idOf = [&](std::string_view token) {
    if (auto id = tokens.id(token))
      return *id;
    badInput(model.where() + ": merges[" + std::to_string(rank) + "]: the vocabulary has no token \"" +
             std::string(token) + "\"");
  };
  std::string both;
  for (const nlohmann::json &entry : *list) {
    if (entry.is_string() && entry.get_ref<const std::string &>().starts_with("#version"))
      continue; // the heading of a merges.txt
    auto [left, right] = mergedPair(entry, rank, model);
    int32_t leftId = idOf(left), rightId = idOf(right);
    both.assign(left).append(right);
    merges->set(leftId, rightId, {rank, idOf(both)});
    ++rank;
  }
}

std::vector<BpeModel::Symbol> BpeModel::symbolsOf(std::string_view piece) const {
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  auto add = [&](int32_t id) {
    auto position = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, position - 1, position + 1});
  };
  bool pendingUnknown = false;
  for (size_t at = 0; at < piece.size();) {
    size_t begin = at;
    nextCodepoint(piece, at);
    std::string_view character = piece.substr(begin, at - begin);
    if (auto id = tokens.id(character)) {
      if (pendingUnknown)
        add(*unknown);
      pendingUnknown = false;
      add(*id);
      continue;
    }
    auto tokenOf = [&](char byte) { return byteTokens[static_cast<unsigned char>(byte)]; };
    if (!byteTokens.empty() &&
        std::all_of(character.begin(), character.end(), [&](char byte) { return tokenOf(byte) >= 0; })) {
      // HF adds these before an unknown token that is still pending; so do we.
      for (char byte : character)
        add(tokenOf(byte));
    } else if (unknown) {
      if (pendingUnknown && !fuseUnknown)
        add(*unknown);
      pendingUnknown = true;
    }
  }
  if (pendingUnknown)
    add(*unknown);
  if (!symbols.empty())
    symbols.back().next = -1;
  return symbols;
}

void BpeModel::merge(std::vector<Symbol> &symbols) const {
  std::priority_queue<Candidate> queue;
  auto consider = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0)
      return;
    if (const Merge *merge = merges->find(symbols[left].id, symbols[right].id))
      queue.push({merge->rank, left, merge->id});
  };
  for (size_t i = 0; i < symbols.size(); ++i)
    consider(static_cast<int32_t>(i), symbols[i].next);
  while (!queue.empty()) {
    Candidate top = queue.top();
    queue.pop();
    Symbol &left = symbols[top.position];
    if (!left.alive || left.next < 0)
      continue;
    // As in HF an entry counts as long as its pair still gives the same token, whatever its rank is by now.
    Symbol &right = symbols[left.next];
    const Merge *merge = merges->find(left.id, right.id);
    if (!merge || merge->id != top.id)
      continue;
    left.id = top.id;
    left.next = right.next;
    right.alive = false;
    if (left.next >= 0)
      symbols[left.next].previous = top.position;
    consider(left.previous, top.position);
    consider(top.position, left.next);
  }
}

void BpeModel::encode(std::string_view piece, std::vector<int32_t> &ids) const {
  if (wholePieceWins) {
    if (auto id = tokens.id(piece)) {
      ids.push_back(*id);
      return;
    }
  }
  bool cached = PieceCache::wants(piece);
  if (cached && cache.find(piece, ids))
    return;
  if (piece.size() > INT32_MAX / 2)
    badInput("a text of " + std::to_string(piece.size()) + " bytes in one piece is too long to tokenise");
  size_t before = ids.size();
  std::vector<Symbol> symbols = symbolsOf(piece);
  merge(symbols);
  for (int32_t at = symbols.empty() ? -1 : 0; at >= 0; at = symbols[at].next)
    ids.push_back(symbols[at].id);
  if (cached)
    cache.insert(piece, ids.data() + before, ids.data() + ids.size());
}

} // namespace mlora::tokenization
