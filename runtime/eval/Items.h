// A task of an evaluation: its questions, their tokens, and what came of them.
#pragma once

#include "mlora/Runtime/Eval/Evaluation.h"
#include "mlora/Runtime/Tasks/Task.h"

#include <map>
#include <memory>

namespace mlora {

struct Evaluation::Item {
  std::string name;
  const Task *task = nullptr;
  int64_t shots = 0;
  int64_t original = 0;                           ///< rows before `limit`
  std::map<std::string, int64_t> originalOfGroup; ///< the same of groups that are files
  std::vector<Question> questions;

  // As tokens: of answers and texts, or of prompts to be continued.
  std::vector<TokenRun> runs;
  std::unique_ptr<PrefixTree> tree;
  std::vector<std::vector<AnswerPlace>> places;
  int64_t slots = 0;
  std::vector<std::vector<int32_t>> prompts;
  int64_t cut = 0;

  std::vector<Outcome> outcomes; ///< one a question

  bool isText() const;
  bool isGenerated() const;
  int64_t newTokens(const EvaluationOptions &options) const;
  /// Rows of the cache for as many prompts at once as are wanted.
  int64_t generationRows(const EvaluationOptions &options) const;
  /// Tokens that run, for the share that is done.
  int64_t work(const EvaluationOptions &options) const;

  TaskScore score() const;
  std::string samples() const;
};

} // namespace mlora
