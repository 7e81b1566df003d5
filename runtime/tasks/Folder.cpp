#include "Folder.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <optional>

namespace fs = std::filesystem;

namespace mlora {
namespace {

std::string replaced(std::string pattern, const std::string &split) {
  constexpr std::string_view mark = "{split}";
  for (size_t at = pattern.find(mark); at != std::string::npos; at = pattern.find(mark, at + split.size()))
    pattern.replace(at, mark.size(), split);
  return pattern;
}

/// What the star of a pattern stands for in a file's name; nothing where it is no such name.
std::optional<std::string> starOf(const std::string &pattern, const std::string &name) {
  size_t star = pattern.find('*');
  if (star == std::string::npos)
    return std::nullopt;
  std::string before = pattern.substr(0, star), behind = pattern.substr(star + 1);
  if (name.size() <= before.size() + behind.size() || !name.starts_with(before) || !name.ends_with(behind))
    return std::nullopt;
  return name.substr(before.size(), name.size() - before.size() - behind.size());
}

/// Files of a folder that a pattern names; a star stands for a part of the last name.
std::vector<GroupFile> matching(const fs::path &folder, const std::string &pattern) {
  std::error_code ignored;
  size_t star = pattern.rfind('*');
  if (star == std::string::npos) {
    fs::path file = folder / pattern;
    return fs::is_regular_file(file, ignored) ? std::vector<GroupFile>{{file, ""}} : std::vector<GroupFile>{};
  }
  fs::path place = (folder / pattern).parent_path();
  std::string name = fs::path(pattern).filename().string();
  std::vector<GroupFile> found;
  for (fs::directory_iterator entry(place, ignored), end; entry != end; entry.increment(ignored))
    if (std::optional<std::string> group = starOf(name, entry->path().filename().string());
        group && entry->is_regular_file(ignored))
      found.push_back({entry->path(), *group});
  std::ranges::sort(found, {}, &GroupFile::path);
  return found;
}

std::vector<GroupFile> filesOfSplit(const fs::path &folder, const TaskFiles &files, const std::string &split) {
  for (const std::string &pattern : files.patterns)
    if (std::vector<GroupFile> found = matching(folder, replaced(pattern, split)); !found.empty())
      return found;
  return {};
}

/// The group of a file that is given by its path: what it would be in its folder. Empty where the name is
/// none that the task's files have.
std::string groupOf(const fs::path &file, const Task &task) {
  std::vector<std::string> splits = task.files.training;
  splits.insert(splits.end(), task.files.evaluation.begin(), task.files.evaluation.end());
  splits.emplace_back(task.shotSplit);
  std::string folder = fs::absolute(file).lexically_normal().parent_path().filename();
  // In a split's folder it is of that split, whatever its name ends in.
  if (std::ranges::find(splits, folder) != splits.end())
    splits = {folder};
  for (const std::string &pattern : task.files.patterns)
    for (const std::string &split : splits) {
      fs::path expected = replaced(pattern, split);
      if (expected.has_parent_path() && expected.parent_path() != folder)
        continue;
      if (std::optional<std::string> group = starOf(expected.filename().string(), file.filename().string()))
        return *group;
    }
  return "";
}

/// What a folder holds, for a message.
std::string contents(const fs::path &folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
    names.push_back(entry->path().filename().string() + (entry->is_directory(ignored) ? "/" : ""));
  std::ranges::sort(names);
  constexpr size_t most = 12;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), most); ++i)
    text += (i ? ", " : "") + names[i];
  if (names.size() > most)
    text += ", and " + std::to_string(names.size() - most) + " more";
  return text.empty() ? "it is empty" : "it holds " + text;
}

[[noreturn]] void refuseFolder(const fs::path &folder, const TaskFiles &files, const std::vector<std::string> &splits,
                               const Task *task) {
  std::string expected;
  for (const std::string &split : splits)
    for (const std::string &pattern : files.patterns)
      expected += (expected.empty() ? "" : ", ") + replaced(pattern, split);
  badInput("dataset " + folder.string() + ": none of the files " +
           (task ? "of task " + std::string(task->name) + " " : "") + "that were expected (" + expected +
           ") is there; " + contents(folder) + ": name one with `split`, or give the file's path");
}

} // namespace

std::vector<GroupFile> findFiles(const fs::path &path, const std::string &split, const Task *task, Purpose purpose) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    badInput("dataset " + path.string() + ": no such file or folder");
  if (!fs::is_directory(path, ignored)) {
    if (!split.empty() && split != path.stem())
      badInput("dataset " + path.string() + ": split '" + split +
               "' asked of a file: name a folder that holds " + split + ".jsonl, or a range of rows");
    // world_religions_test.csv is of the subject world_religions.
    bool isTable = task && task->readTable && path.extension() == ".csv";
    return {{path, isTable ? groupOf(path, *task) : ""}};
  }
  TaskFiles files = (task ? task : &documentTask())->files; // rows of any task lie in files of the same names
  std::vector<std::string> splits = {split};
  if (split.empty())
    splits = purpose == Purpose::Training ? files.training : files.evaluation;
  if (split.empty() && purpose == Purpose::Validation)
    std::erase(splits, "test"); // nobody holds out what is reported
  for (const std::string &name : splits)
    if (std::vector<GroupFile> found = filesOfSplit(path, files, name); !found.empty())
      return found;
  // A folder of texts has no splits.
  if (split.empty() && (!task || task == &documentTask())) {
    files.patterns.push_back("*.txt");
    if (std::vector<GroupFile> found = matching(path, files.patterns.back()); !found.empty())
      return found;
  }
  refuseFolder(path, files, splits, task);
}

std::vector<GroupFile> findShotFiles(const fs::path &path, const Task &task) {
  std::string split(task.shotSplit);
  std::error_code ignored;
  fs::path folder = fs::absolute(path, ignored).lexically_normal();
  if (!folder.has_filename())
    folder = folder.parent_path();
  // The data set's folder, or that of one of its splits, or a file in either.
  for (int up = 0; up < 3; ++up, folder = folder.parent_path())
    if (std::vector<GroupFile> found = filesOfSplit(folder, task.files, split); !found.empty())
      return found;
  badInput("dataset " + path.string() + ": the worked examples of task " + std::string(task.name) +
           " are in its split `" + split + "` (" + replaced(task.files.patterns[0], split) +
           "), which is not there: give the folder that holds it, or num_fewshot: 0");
}

} // namespace mlora
