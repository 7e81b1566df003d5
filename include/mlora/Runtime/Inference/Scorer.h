// Log-probabilities of tokens behind others, many sequences at a time.
#pragma once

#include "mlora/Runtime/Inference/PrefixTree.h"
#include "mlora/Runtime/Program/Inference.h"

#include <functional>

namespace mlora {

/// What was read for one TokenRead.
struct TokenScore {
  double logProb = 0; ///< nats
  float logit = 0;
  bool isGreedy = false; ///< no token is likelier
};

/// Rows of the cache that runs of this tree need where steps have `rows` rows.
int64_t cacheRowsFor(const PrefixTree &tree, int64_t rows);

/// Runs a tree of sequences through a program of kind `generate`: nodes from the roots down, steps full of
/// tokens of as many nodes as fit, and only what is read goes through the head. Scores do not depend on what
/// shares a step but by the order of f32 sums.
class Scorer {
public:
  /// The program must be loaded and prepared, with a capacity of at least cacheRowsFor(tree, capacity.rows)
  /// rows of the cache, and outlive this object.
  explicit Scorer(Program &program) : program(program), inference(program) {}

  /// `scores` takes the answer of slot s at s. `progress`, where given, is called with the tokens run so far
  /// after each step; it may throw to stop.
  void run(const PrefixTree &tree, std::span<TokenScore> scores,
           const std::function<void(int64_t tokens)> &progress = {});

private:
  class Walk;
  Program &program;
  Inference inference;
};

/// log sum exp of a row of logits, in f64.
double logSumExp(std::span<const float> logits);

} // namespace mlora
