// Rows of the tasks as text: the templates of FORMATS section 5, to the letter.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace mlora {

enum class Task { Tokenised, Text, Completion, Alpaca, Gsm8k };

/// A task by its name in CLI.md; nothing for an empty name. Throws for one that is unknown or not built yet.
std::optional<Task> taskNamed(const std::string &name, const std::string &where);

/// The task of a row, by its keys.
Task taskOf(const nlohmann::json &row, const std::string &where);

/// The prompt is read, the completion trained. A `text` row is all completion.
struct Example {
  std::string prompt, completion;
};

Example render(Task task, const nlohmann::json &row, const std::string &where);

} // namespace mlora
