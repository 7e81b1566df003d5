// A task: how its rows are recognised and read, what they become in training, what they ask in an evaluation.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

/// A training row as text: the prompt is read, the completion trained.
struct Example {
  std::string prompt, completion;
};

/// What one row asks in an evaluation.
struct Question {
  std::string prompt = {};               ///< all of it; MMLU's has its five shots in front
  std::vector<std::string> answers = {}; ///< one of them follows the prompt directly; empty: text is generated or scored
  int64_t gold = -1;                ///< index of the right answer
  std::string goldText = {};             ///< what extract() is to find in a generated text
  std::string group = {};                ///< rows of one score where the task's is a mean of several; else empty
  RowJson row = {};               ///< as it was read
};

/// How questions are scored.
enum class Score {
  None,       ///< the task only trains
  Likelihood, ///< the answer with the largest mean log-probability of its tokens
  ExactMatch, ///< what extract() finds in a greedy text
  Perplexity, ///< the prompt's own tokens
};

/// The files of a folder as a task is published: names in the folder, `{split}` standing for the split. One with a
/// `*` may be several files; what the star stands for is their group.
struct TaskFiles {
  std::vector<std::string> patterns = {"{split}.jsonl", "{split}.json"};
  std::vector<std::string> training = {"train"}, evaluation = {"validation", "val", "test"}; ///< without `split`
};

/// One file a task, in runtime/tasks/list; the build makes the list of them.
struct Task {
  std::string_view name, doc;
  /// Whether a row's keys are this task's. At most one task says so of any row.
  bool (*recognises)(const RowJson &row);
  /// The keys that a row must have, in each form of it.
  std::vector<std::vector<std::string_view>> forms;
  /// Throws Error(BadInput) that begins with the row's place. Null: rows are tokens already, or conversations.
  Example (*example)(const RowFields &row);
  /// The row as a list of {"role", "content"} for the model's chat template; null for other tasks.
  RowJson (*messages)(const RowFields &row) = nullptr;

  Score score = Score::None;
  /// The row's question, without shots. `group` is the row's file's, or empty.
  Question (*question)(const RowFields &row, const std::string &group) = nullptr;
  /// Of a generated text: what is compared.
  std::optional<std::string> (*extract)(const std::string &text) = nullptr;
  int64_t maxNewTokens = 0; ///< of a generated text
  bool isInAverage = false; ///< of the paper's average over MMLU, BoolQ, MultiRC, RTE, WiC

  TaskFiles files = {};
  /// Rows of a file that is no JSON (CSV).
  std::vector<RowJson> (*readTable)(std::string_view content, const std::string &file,
                                           const std::string &group) = nullptr;
  /// The key of a row under which a whole file of plain text (.txt) stands: a row a file. Empty: rows are no such
  /// files. One task at most has it.
  std::string_view documentKey = {};
  /// A row that holds several: MultiRC's passage with its questions and their answers.
  std::vector<RowJson> (*expand)(const RowFields &row) = nullptr;

  int64_t shots = 0; ///< worked examples in front of a question, unless num_fewshot says otherwise
  /// Split of the worked examples, of the question's own group; it is never trained on.
  std::string_view shotSplit = {};
  /// What stands in front of a group's questions: with all of its shots.
  std::string (*preamble)(const std::string &group, const std::vector<Question> &shots) = nullptr;
};

/// All of them, by name.
const std::vector<const Task *> &tasks();
/// Null when there is none of that name.
const Task *taskNamed(std::string_view name);
/// The same; throws Error(BadInput) that begins with `where` and suggests the nearest name.
const Task &taskNamedOrFail(std::string_view name, const std::string &where);
/// The one with a documentKey.
const Task &documentTask();
/// The task of a row, by its keys. Throws Error(BadInput) when they are those of no task.
const Task &taskOf(const RowJson &row, const std::string &where);

/// Throws Error(BadInput) that says which key is missing, and which the task expects, when a row is of none
/// of its forms.
void checkKeys(const Task &task, const RowFields &row);

/// A row with the answers Yes and No: what it becomes, and what it asks. Written in braces, its prompt is read first.
struct YesNo {
  std::string prompt;
  bool isYes;
};
Example yesNoExample(const YesNo &row);
Question yesNoQuestion(const YesNo &row);

/// A field that must be text and not empty.
std::string filledString(const RowFields &row, const char *key);
/// A field that is true or false: as JSON's, as 0 or 1, or as "true" or "false" in any case. Throws Error(BadInput)
/// that says what is there.
bool booleanLabel(const RowFields &row, const char *key);

} // namespace mlora
