#include "Templates.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"

namespace mlora {
namespace {

/// What CLI.md names beyond what is built.
constexpr const char *later[] = {"mmlu", "boolq", "multirc", "rte", "wic", "chat"};

struct Named {
  const char *name;
  Task task;
  std::vector<const char *> keys; ///< a row of this task has them all
};

/// In the order in which keys are tried: an Alpaca row may carry its finished `text` as well.
const std::vector<Named> &tasks() {
  static const std::vector<Named> table = {
      {"tokenised", Task::Tokenised, {"input_ids"}},
      {"completion", Task::Completion, {"prompt", "completion"}},
      {"alpaca", Task::Alpaca, {"instruction", "output"}},
      {"gsm8k", Task::Gsm8k, {"question", "answer"}},
      {"text", Task::Text, {"text"}},
  };
  return table;
}

/// Rows of tasks that are not built yet, by a key that only they have.
const char *laterTaskOf(const nlohmann::json &row) {
  if (row.contains("messages") || row.contains("conversations"))
    return "chat";
  if (row.contains("passage"))
    return row["passage"].is_object() ? "multirc" : "boolq";
  if (row.contains("premise"))
    return "rte";
  if (row.contains("sentence2"))
    return "wic";
  return row.contains("choices") ? "mmlu" : nullptr;
}

std::string alpacaPrompt(const std::string &instruction, const std::string &input) {
  if (input.empty())
    return "Below is an instruction that describes a task. Write a response that appropriately completes the "
           "request.\n\n### Instruction:\n" +
           instruction + "\n\n### Response:";
  return "Below is an instruction that describes a task, paired with an input that provides further context. "
         "Write a "
         "response that appropriately completes the request.\n\n### Instruction:\n" +
         instruction + "\n\n### Input:\n" + input + "\n\n### Response:";
}

} // namespace

std::optional<Task> taskNamed(const std::string &name, const std::string &where) {
  if (name.empty())
    return std::nullopt;
  for (const Named &task : tasks())
    if (name == task.name)
      return task.task;
  for (const char *task : later)
    if (name == task)
      badInput(where + ": task '" + name + "' is not built yet");
  badInput(where + ": unknown task '" + name + "': expected text, completion, alpaca, gsm8k or tokenised");
}

Task taskOf(const nlohmann::json &row, const std::string &where) {
  for (const Named &task : tasks()) {
    bool all = true;
    for (const char *key : task.keys)
      all = all && row.contains(key);
    // BoolQ and MultiRC rows have a question as well.
    if (all && !(task.task == Task::Gsm8k && laterTaskOf(row)))
      return task.task;
  }
  if (const char *task = laterTaskOf(row))
    badInput(where + ": this looks like a row of task '" + task + "', which is not built yet");
  std::string found;
  for (const auto &[key, value] : row.items())
    found += (found.empty() ? "" : ", ") + key;
  badInput(
      where + ": the row's keys (" + found +
      ") are those of no task: expected text; prompt and completion; instruction, input and output; question "
      "and answer; or input_ids");
}

Example render(Task task, const nlohmann::json &row, const std::string &where) {
  JsonFields fields(row, where);
  switch (task) {
  case Task::Completion:
    return {fields.string("prompt"), fields.string("completion")};
  case Task::Alpaca:
    return {alpacaPrompt(fields.string("instruction"), fields.optionalString("input").value_or("")),
            fields.string("output")};
  case Task::Gsm8k:
    return {fields.string("question") + "\n", fields.string("answer")};
  case Task::Text:
  case Task::Tokenised:
    break;
  }
  return {"", fields.string("text")};
}

} // namespace mlora
