// Finds the longest of many fixed texts at a position.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mlora::tokenization {

class TokenTrie {
public:
  /// Of equal texts the first one counts; empty ones never match.
  void add(std::string_view text, size_t value);

  struct Match {
    size_t length, value;
  };
  /// The longest text that `text` has at `at`.
  std::optional<Match> longestAt(std::string_view text, size_t at) const;
  bool empty() const { return nodes.size() == 1; }

private:
  static constexpr size_t none = ~size_t(0);
  struct Node {
    std::vector<std::pair<char, uint32_t>> children; ///< few, so unsorted
    size_t value = none;
  };
  const uint32_t *child(const Node &node, char byte) const;

  std::vector<Node> nodes = std::vector<Node>(1);
};

} // namespace mlora::tokenization
