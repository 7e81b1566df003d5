#include "mlora/Runtime/Inference/PrefixTree.h"

#include <algorithm>
#include <numeric>

namespace mlora {

PrefixTree::PrefixTree(std::span<const TokenRun> runs) : runs(runs), order(runs.size()), common(runs.size()) {
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](int64_t a, int64_t b) { return runs[a].ids < runs[b].ids; });
  for (size_t i = 1; i < order.size(); ++i) {
    const std::vector<int32_t> &a = runs[size_t(order[i - 1])].ids, &b = runs[size_t(order[i])].ids;
    common[i] = int32_t(std::ranges::mismatch(a, b).in1 - a.begin());
  }
  top = split(0, int64_t(order.size()), 0);
}

std::span<const int32_t> PrefixTree::tokens(const PrefixNode &node) const {
  return std::span(runs[size_t(node.run)].ids).subspan(size_t(node.begin), size_t(node.end - node.begin));
}

/// Tokens that all of order[first, last) begin with.
int32_t PrefixTree::shared(int64_t first, int64_t last) const {
  int32_t least = int32_t(runs[size_t(order[size_t(first)])].ids.size());
  for (int64_t i = first + 1; i < last; ++i)
    least = std::min(least, common[size_t(i)]);
  return least;
}

bool PrefixTree::isWorth(int64_t first, int64_t last, int32_t depth, int32_t end) const {
  int64_t left = 0;
  for (int64_t i = first; i < last; ++i)
    left += int64_t(runs[size_t(order[size_t(i)])].ids.size()) - depth;
  return end - depth >= leastShared && int64_t(end - depth) * 16 * (last - first) >= left;
}

void PrefixTree::addReads(PrefixNode &node, int64_t run) const {
  for (const TokenRead &read : runs[size_t(run)].reads)
    if (read.position >= node.begin && read.position < node.end)
      node.reads.push_back(read);
}

/// The nodes that order[first, last), which agree up to `depth`, go on with. Not by recursion over what is not
/// worth sharing: a piece of the range is cut at its first least common prefix until it is.
std::vector<int64_t> PrefixTree::split(int64_t first, int64_t last, int32_t depth) {
  std::vector<int64_t> result;
  std::vector<std::pair<int64_t, int64_t>> open = {{first, last}};
  while (!open.empty()) {
    auto [from, to] = open.back();
    open.pop_back();
    if (from == to)
      continue;
    int32_t end = shared(from, to);
    bool isOne = end == int32_t(runs[size_t(order[size_t(to - 1)])].ids.size()); // all equal
    if (!isOne && !isWorth(from, to, depth, end)) {
      int64_t cut = from + 1;
      while (common[size_t(cut)] != end && cut + 1 < to)
        ++cut;
      open.emplace_back(cut, to);
      open.emplace_back(from, cut);
      continue;
    }
    if (end == depth)
      continue; // ends where its parent does
    PrefixNode node{order[size_t(from)], depth, end, {}, {}};
    for (int64_t i = from; i < to; ++i)
      addReads(node, order[size_t(i)]);
    std::ranges::stable_sort(node.reads, {}, &TokenRead::position);
    int64_t index = int64_t(list.size());
    list.push_back(std::move(node));
    result.push_back(index);
    if (isOne)
      continue;
    std::vector<int64_t> children = split(from, to, end);
    list[size_t(index)].children = std::move(children);
  }
  return result;
}

int64_t PrefixTree::computedTokens() const {
  int64_t sum = 0;
  for (const PrefixNode &node : list)
    sum += node.end - node.begin;
  return sum;
}

int64_t PrefixTree::totalTokens() const {
  int64_t sum = 0;
  for (const TokenRun &run : runs)
    sum += int64_t(run.ids.size());
  return sum;
}

int32_t PrefixTree::longestPath() const {
  int32_t longest = 0;
  for (const PrefixNode &node : list)
    longest = std::max(longest, node.end);
  return longest;
}

} // namespace mlora
