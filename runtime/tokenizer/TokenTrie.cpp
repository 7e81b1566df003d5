#include "TokenTrie.h"

namespace mlora::tokenization {

const uint32_t *TokenTrie::child(const Node &node, char byte) const {
  for (const auto &[label, index] : node.children)
    if (label == byte)
      return &index;
  return nullptr;
}

void TokenTrie::add(std::string_view text, size_t value) {
  if (text.empty())
    return;
  uint32_t at = 0;
  for (char byte : text) {
    const uint32_t *found = child(nodes[at], byte);
    uint32_t next = found ? *found : static_cast<uint32_t>(nodes.size());
    if (!found) {
      nodes[at].children.emplace_back(byte, next);
      nodes.emplace_back();
    }
    at = next;
  }
  if (nodes[at].value == none)
    nodes[at].value = value;
}

std::optional<TokenTrie::Match> TokenTrie::longestAt(std::string_view text, size_t at) const {
  std::optional<Match> best;
  const Node *node = &nodes[0];
  for (size_t end = at; end < text.size(); ++end) {
    const uint32_t *next = child(*node, text[end]);
    if (!next)
      break;
    node = &nodes[*next];
    if (node->value != none)
      best = Match{end + 1 - at, node->value};
  }
  return best;
}

} // namespace mlora::tokenization
