// Which files of a data set's folder are meant.
#pragma once

#include "mlora/Runtime/Tasks/Dataset.h"

namespace mlora {

/// A file and the group that its rows are of (the part of its name that a star stands for).
struct GroupFile {
  std::filesystem::path path;
  std::string group;
};

/// The files of `path` (a file, or a folder in the layout in which the task is published). `split` may be empty.
/// `task` null: rows of any task. Throws Error(BadInput) that says what was expected and what is there.
std::vector<GroupFile> findFiles(const std::filesystem::path &path, const std::string &split, const Task *task,
                                 Purpose purpose);

/// Files of a split of worked examples beside those of the questions: of the same group.
std::vector<GroupFile> findShotFiles(const std::filesystem::path &path, const Task &task);

} // namespace mlora
