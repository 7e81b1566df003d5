// The rows of an entry of `datasets`, `validation` or `eval_tasks`.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"
#include "mlora/Runtime/Tasks/Task.h"

#include <deque>
#include <filesystem>
#include <map>

namespace mlora {

/// What the rows are for: which split of a folder they come from where the entry names none.
enum class Purpose { Training, Validation, Evaluation };

/// A row and where it was found.
struct DatasetRow {
  RowJson json;
  std::string where; ///< file:line
  std::string group; ///< of its file, where the task's files are groups; else empty
  const Task *task = nullptr;
  bool isDocument = false; ///< a whole file of plain text: training cuts it into windows, not off
};

/// Files are found, read and cut into rows when it is opened; a row of JSON is parsed when it is asked for, so that
/// opening a large file takes as long as reading it. Of several files (MMLU's subjects) a range is taken of each, and
/// `limit` rows evenly of all: the first ones, or with a `seed` drawn ones in the file's order. Files of plain text are
/// one row each, and together one file's.
class Dataset {
public:
  /// Throws Error(BadInput) that names the entry, its folder and the files that were expected.
  Dataset(const DatasetSpec &spec, Purpose purpose);
  ~Dataset();
  Dataset(Dataset &&) noexcept;

  int64_t rows() const { return int64_t(chosen.size()); }
  /// Rows of the files, before range and limit.
  int64_t original() const { return total; }
  /// The same of each group of files (MMLU's subjects), where a file is one's.
  std::map<std::string, int64_t> groups() const;
  /// Row i of those that range and limit leave. Throws Error(BadInput) with file and line.
  DatasetRow row(int64_t i) const;
  /// DatasetRow::isDocument of row i, without reading it.
  bool isDocument(int64_t i) const;
  /// 32 hex digits: equal when the same rows are chosen of files with the same content, for the same task.
  std::string fingerprint() const;
  /// The files, for messages.
  const std::vector<std::filesystem::path> &files() const { return paths; }

private:
  struct File;
  void open(const std::filesystem::path &path, const std::string &group);
  void openText(const std::filesystem::path &path);
  void refuseShots(const DatasetSpec &spec, const std::string &split,
                   const std::filesystem::path &path) const;
  void choose(const DatasetSpec &spec);

  const Task *task = nullptr; ///< null: each row's own
  std::vector<std::filesystem::path> paths;
  std::deque<File> list;
  std::vector<std::pair<int32_t, int64_t>> chosen; ///< file and row in it
  int64_t total = 0;
  std::string contentHash; ///< of the files, one after another
};

/// All questions of an evaluation's entry, with the worked examples in front where there are any, and how many rows the
/// files hold.
struct Questions {
  const Task *task = nullptr;
  int64_t shots = 0, original = 0;
  std::map<std::string, int64_t> originalOfGroup; ///< where files are groups
  std::vector<Question> list;
};
Questions readQuestions(const DatasetSpec &spec);

} // namespace mlora
