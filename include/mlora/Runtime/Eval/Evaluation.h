// Tasks to be scored: read and tokenised once, scored by a program of kind `generate` as often as is asked.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Eval/QuestionRuns.h"
#include "mlora/Runtime/Eval/Results.h"
#include "mlora/Runtime/Model/Checkpoint.h"

#include <deque>
#include <functional>

namespace mlora {

struct EvaluationOptions {
  int64_t context = 0;      ///< tokens of a sequence at most; 0: no limit
  int64_t rows = 256;       ///< of a step
  int64_t maxNewTokens = 0; ///< of generated answers; 0: the task's own
  int64_t sequences = 16;   ///< texts that are generated at once
  std::vector<int32_t> stopTokens; ///< end a generated text
};

/// What came of one question.
struct Outcome {
  std::vector<double> sums;    ///< log-probability of each answer
  std::vector<double> means;   ///< the same by token: the largest wins
  std::vector<float> logits;   ///< of the first token of each
  std::vector<bool> greedy;    ///< whether each answer is what greedy decoding gives
  int64_t tokens = 0;          ///< scored, of all answers
  std::string generated;       ///< where answers are not given
  std::string extracted;       ///< what is compared of it
  int64_t predicted = -1;      ///< index of the answer that won
  bool correct = false;
  bool correctByLength = false; ///< by sums over the answers' lengths in characters (acc_norm)
};

/// From the scores of a question's answers, or of the windows of a text.
Outcome outcomeOf(const Question &question, const std::vector<AnswerPlace> &places,
                  std::span<const TokenScore> tokens);

class Evaluation {
public:
  /// Reads and tokenises. Throws Error(BadInput) that names file and row. `tokenizer` must outlive it.
  Evaluation(std::span<const DatasetSpec> tasks, const Tokenizer &tokenizer, const EvaluationOptions &options);
  ~Evaluation();

  /// Rows that a program needs for it.
  Scalars capacity() const;
  /// Whether a task is among those of the paper's average.
  bool hasAverage() const;
  /// Sentences for the user: prompts that were cut.
  std::vector<std::string> notes() const;

  /// Called with the task at hand and the share of all tokens that is done; may throw to stop.
  using Progress = std::function<void(const std::string &task, double share)>;
  /// The program must be loaded and prepared.
  std::vector<TaskScore> run(Program &program, const Progress &progress = {});

  /// After run(): a line of JSON a question, as lm-evaluation-harness logs samples. (name, lines) of each task.
  std::vector<std::pair<std::string, std::string>> samples() const;

private:
  struct Item;
  void prepare(Item &item);
  void scoreAnswers(Item &item, Program &program, const std::function<void(int64_t)> &progress) const;
  void generate(Item &item, Program &program, const std::function<void(int64_t)> &progress) const;

  const Tokenizer &tokenizer;
  const EvaluationOptions options;
  std::deque<Item> items;
};

/// The `config` of results.json, whoever scores: model and adapter (may be empty), tasks, context.
nlohmann::ordered_json evaluationConfig(const TrainConfig &config, const std::string &adapter,
                                        const Checkpoint &base, int64_t context);

} // namespace mlora
