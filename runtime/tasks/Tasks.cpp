#include "mlora/Runtime/Tasks/Task.h"

#include "TaskList.h"
#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>

namespace mlora {

const std::vector<const Task *> &tasks() { return taskList(); }

const Task *taskNamed(std::string_view name) {
  auto found = std::ranges::find(tasks(), name, [](const Task *task) { return task->name; });
  return found == tasks().end() ? nullptr : *found;
}

const Task &documentTask() {
  return **std::ranges::find_if(tasks(), [](const Task *task) { return !task->documentKey.empty(); });
}

const Task &taskNamedOrFail(std::string_view name, const std::string &where) {
  if (const Task *task = taskNamed(name))
    return *task;
  std::vector<std::string_view> names;
  std::string list;
  for (const Task *task : tasks()) {
    names.push_back(task->name);
    list += (list.empty() ? "" : ", ") + std::string(task->name);
  }
  badInput(where + ": unknown task '" + std::string(name) + "' (did you mean '" + std::string(nearest(name, names)) +
           "'?): expected one of " + list);
}

const Task &taskOf(const RowJson &row, const std::string &where) {
  for (const Task *task : tasks())
    if (task->recognises(row))
      return *task;
  std::string found;
  for (const auto &[key, value] : row.items())
    found += (found.empty() ? "" : ", ") + key;
  badInput(where + ": the row's keys (" + found +
           ") are those of no task: expected text; prompt and completion; instruction, input and output; messages; "
           "input_ids; or those of a published task (docs/data.md); or say which with `task`");
}

void checkKeys(const Task &task, const RowFields &row) {
  // Who reads the label says which there are, and that published test files have none.
  auto isMissing = [&row](std::string_view key) { return key != "label" && !row.raw().contains(key); };
  std::string expected;
  std::string_view missing;
  int64_t fewest = INT64_MAX;
  for (const std::vector<std::string_view> &form : task.forms) {
    int64_t count = std::ranges::count_if(form, isMissing);
    if (count == 0)
      return;
    if (count < fewest)
      missing = *std::ranges::find_if(form, isMissing);
    fewest = std::min(fewest, count);
    expected += expected.empty() ? "" : "; or ";
    for (std::string_view key : form)
      expected.append(key == form.front() ? "" : ", ").append(key);
  }
  row.refuse(std::string(missing).c_str(),
             "is missing: task " + std::string(task.name) + " expects " + expected);
}

Example yesNoExample(const YesNo &row) { return {row.prompt, row.isYes ? "Yes" : "No"}; }

Question yesNoQuestion(const YesNo &row) {
  return {.prompt = row.prompt, .answers = {"Yes", "No"}, .gold = row.isYes ? 0 : 1};
}

std::string filledString(const RowFields &row, const char *key) {
  std::string text = row.string(key);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    row.refuse(key, "is empty: remove the row, or fill it");
  return text;
}

bool booleanLabel(const RowFields &row, const char *key) {
  if (!row.has(key))
    row.refuse(key, "is missing: expected true or false (the published test files have no labels)");
  const RowJson &value = row.raw().at(key);
  if (value.is_boolean())
    return value.get<bool>();
  if (value.is_number_integer() && (value == 0 || value == 1))
    return value == 1;
  std::string text = value.is_string() ? value.get<std::string>() : "";
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  if (text == "true" || text == "false")
    return text == "true";
  row.refuse(key, "unknown label " + value.dump() + ": expected true or false");
}

} // namespace mlora
