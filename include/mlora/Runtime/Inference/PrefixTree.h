// Sequences that begin alike, as a tree: what they share is computed once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mlora {

/// After ids[position] of its sequence comes `target`, whose log-probability is wanted.
struct TokenRead {
  int32_t position = 0;
  int32_t target = 0;
  int64_t slot = 0; ///< where the answer goes
};

/// Tokens that run through the model, and what is read of them.
struct TokenRun {
  std::vector<int32_t> ids;
  std::vector<TokenRead> reads; ///< ascending positions
};

/// Tokens [begin, end) of a run, behind those of the node above it.
struct PrefixNode {
  int64_t run = 0;
  int32_t begin = 0, end = 0;
  std::vector<int64_t> children;
  std::vector<TokenRead> reads; ///< of every run that passes through, at positions of this node; ascending
};

/// A node is cut where runs part, unless what they share is not worth it: fewer than `leastShared` tokens, or
/// less than 1/16 of what is left of them. Runs of equal ids are one node. The runs must outlive it.
class PrefixTree {
public:
  static constexpr int32_t leastShared = 8;

  explicit PrefixTree(std::span<const TokenRun> runs);

  const std::vector<PrefixNode> &nodes() const { return list; }
  const std::vector<int64_t> &roots() const { return top; }
  std::span<const int32_t> tokens(const PrefixNode &node) const;
  /// Tokens of all nodes: what is computed. The runs have totalTokens() of them.
  int64_t computedTokens() const;
  int64_t totalTokens() const;
  /// The most tokens from a root's first to a leaf's last.
  int32_t longestPath() const;

private:
  std::vector<int64_t> split(int64_t first, int64_t last, int32_t depth);
  void addReads(PrefixNode &node, int64_t run) const;
  int32_t shared(int64_t first, int64_t last) const;
  bool isWorth(int64_t first, int64_t last, int32_t depth, int32_t end) const;

  std::span<const TokenRun> runs;
  std::vector<int64_t> order;   ///< of the runs, by their ids
  std::vector<int32_t> common;  ///< tokens that order[i] shares with order[i - 1]
  std::vector<PrefixNode> list;
  std::vector<int64_t> top;
};

} // namespace mlora
