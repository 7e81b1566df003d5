// Places in the cache. A node on the path from the root to where the walk is lies right behind its parent, so that
// whoever is below sees the path as one prefix; leaves lie anywhere behind, going round. Within a step all keys and
// values are written before any are read: nothing that a step uses may be overwritten in it, and the step ends
// where that would happen.
#include "mlora/Runtime/Inference/Scorer.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cmath>

namespace mlora {

int64_t cacheRowsFor(const PrefixTree &tree, int64_t rows) { return tree.longestPath() + 3 * rows; }

double logSumExp(std::span<const float> logits) {
  float top = *std::ranges::max_element(logits);
  double sum = 0;
  for (float logit : logits)
    sum += double(std::exp(logit - top));
  return double(top) + std::log(sum);
}

class Scorer::Walk {
public:
  Walk(Scorer &scorer, const PrefixTree &tree, std::span<TokenScore> scores,
       const std::function<void(int64_t)> &progress)
      : scorer(scorer), tree(tree), scores(scores), progress(progress),
        capacity(scorer.program.capacity()) {}

  void run() {
    for (int64_t root : tree.roots()) {
      const PrefixNode &node = tree.nodes()[size_t(root)];
      makeRoom(node.children.empty() ? node.end : std::min(tree.longestPath() + capacity.rows, capacity.kvRows), 0);
      visit(root, used, used);
    }
    step(used);
  }

private:
  /// Runs a node and what is below it. Rows [base, end) hold the path above.
  void visit(int64_t index, int64_t base, int64_t end) {
    const PrefixNode &node = tree.nodes()[size_t(index)];
    int64_t size = node.end - node.begin;
    if (node.children.empty()) {
      if (base != end)
        makeRoom(size, end);
      return append(node, {.start = int32_t(used), .prefixStart = int32_t(base), .prefixEnd = int32_t(end)});
    }
    if (used != end || used + size > limit)
      flush(end); // what others see lies behind its parent
    append(node, {.start = int32_t(base)});
    // Nodes with children first: they lie behind this one, before leaves do.
    for (bool leaves : {false, true})
      for (int64_t child : node.children)
        if (tree.nodes()[size_t(child)].children.empty() == leaves)
          visit(child, base, end + size);
  }

  /// Sees to `size` free rows from `used` on, which may go back to row `from`, but not into a path that the step
  /// reads.
  void makeRoom(int64_t size, int64_t from) {
    if (used + size <= limit)
      return;
    int64_t begin = std::max(from, seen);
    if (wrapped || begin + size > oldest)
      return flush(from);
    wrapped = true;
    limit = oldest;
    used = begin;
  }

  /// Tokens of a node into steps, from row `used` on; `piece` says what they see.
  void append(const PrefixNode &node, Piece piece) {
    std::span<const int32_t> tokens = tree.tokens(node);
    int64_t first = used;
    const TokenRead *read = node.reads.data(), *last = read + node.reads.size();
    for (size_t done = 0; done < tokens.size();) {
      size_t count = std::min(tokens.size() - done, size_t(capacity.rows - rows));
      piece.position = node.begin + int32_t(done);
      piece.at = int32_t(used);
      piece.read.clear();
      std::vector<TokenRead> mine;
      for (; read != last; ++read) {
        int32_t row = read->position - piece.position;
        if (row >= int64_t(count))
          break;
        if (piece.read.empty() || piece.read.back() != row) {
          if (reads == capacity.countedRows) {
            count = size_t(row); // the head takes no more: this row begins the next step
            break;
          }
          piece.read.push_back(row);
          ++reads;
        }
        mine.push_back(*read);
      }
      piece.tokens = tokens.subspan(done, count);
      if (count > 0) {
        seen = std::max<int64_t>({seen, piece.prefixEnd, piece.start < first ? first : 0});
        pieces.push_back(piece);
        wanted.push_back(std::move(mine));
      }
      done += count;
      rows += int64_t(count);
      used += int64_t(count);
      if (rows == capacity.rows || done < tokens.size())
        step(done < tokens.size() ? first : used);
    }
  }

  /// Ends the step; what lies from row `end` on is done with.
  void flush(int64_t end) {
    step(end);
    used = end;
  }

  /// Runs what there is. What the next step needs besides the path begins at row `keep`.
  void step(int64_t keep) {
    limit = capacity.kvRows;
    wrapped = false;
    oldest = keep;
    seen = 0;
    if (pieces.empty())
      return;
    std::span<const float> logits = scorer.inference.step(pieces);
    size_t vocab = logits.size() / size_t(std::max<int64_t>(reads, 1)), row = 0;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const TokenRead *read = wanted[i].data(), *last = read + wanted[i].size();
      while (read != last) {
        std::span<const float> values = logits.subspan(row * vocab, vocab);
        double total = logSumExp(values);
        float best = *std::ranges::max_element(values);
        for (int32_t position = read->position; read != last && read->position == position; ++read) {
          float logit = values[size_t(read->target)];
          scores[size_t(read->slot)] = {double(logit) - total, logit, logit == best};
        }
        ++row;
      }
    }
    tokensRun += rows;
    pieces.clear();
    wanted.clear();
    rows = reads = 0;
    if (progress)
      progress(tokensRun);
  }

  Scorer &scorer;
  const PrefixTree &tree;
  std::span<TokenScore> scores;
  const std::function<void(int64_t)> &progress;
  const Scalars &capacity;
  std::vector<Piece> pieces;                  ///< of the step that is being filled
  std::vector<std::vector<TokenRead>> wanted; ///< beside them
  int64_t rows = 0, reads = 0;                ///< of the step
  int64_t used = 0;                           ///< the next row of the cache
  int64_t limit = capacity.kvRows;            ///< rows before it, from `used` on, are free
  bool wrapped = false;                       ///< the step went back to the rows in front of it
  int64_t seen = 0;                           ///< rows before it are paths that the step reads
  int64_t oldest = 0;                         ///< of the rows behind the path that the step uses, the first
  int64_t tokensRun = 0;
};

void Scorer::run(const PrefixTree &tree, std::span<TokenScore> scores,
                 const std::function<void(int64_t)> &progress) {
  if (program.capacity().kvRows < cacheRowsFor(tree, program.capacity().rows))
    failed("a program with " + std::to_string(program.capacity().kvRows) +
           " rows of cache cannot score sequences of " + std::to_string(tree.longestPath()) + " tokens");
  Walk(*this, tree, scores, progress).run();
}

} // namespace mlora
