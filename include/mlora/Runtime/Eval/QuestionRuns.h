// Questions as tokens to be run, and where the scores of their answers will be.
#pragma once

#include "mlora/Runtime/Inference/Scorer.h"
#include "mlora/Runtime/Tasks/Task.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

namespace mlora {

/// The scores of one answer's tokens.
struct AnswerPlace {
  int64_t firstSlot = 0, tokens = 0;
};

/// Sequences of scored tokens, added one after another; all scores have slots of their own.
class QuestionRuns {
public:
  /// Sequences longer than `context` tokens (0: no limit) are cut on the left, where a BOS is kept.
  QuestionRuns(const Tokenizer &tokenizer, int64_t context) : tokenizer(tokenizer), context(context) {}

  /// A question's answers. Their tokens are those that prompt and answer have together and the prompt alone has
  /// not. Throws Error(BadInput) that begins with `where` when an answer has no token to score, or does not fit.
  std::vector<AnswerPlace> add(const Question &question, const std::string &where);
  /// All of a text, in windows of the context: the last token of each is the first of the next one. The first
  /// token of the text is scored where the tokenizer adds a BOS to stand before it.
  std::vector<AnswerPlace> addText(const std::string &text);

  const std::vector<TokenRun> &runs() const { return list; }
  int64_t slots() const { return nextSlot; }
  int64_t cut() const { return cutPrompts; } ///< prompts that were cut

private:
  struct Continuation {
    std::vector<int32_t> ids;
    int64_t first = 0; ///< of the scored ones
  };
  std::vector<int32_t> encode(const std::string &text) const;
  AnswerPlace place(Continuation continuation, size_t firstRun);

  const Tokenizer &tokenizer;
  const int64_t context;
  std::vector<TokenRun> list;
  int64_t nextSlot = 0, cutPrompts = 0;
};

/// A prompt for generation: cut on the left to `room` tokens; `cut` says whether it was.
std::vector<int32_t> promptTokens(const Tokenizer &tokenizer, const std::string &prompt, int64_t room, bool &cut);

} // namespace mlora
