#include "mlora/Runtime/Tasks/Dataset.h"

#include "Folder.h"
#include "RowFile.h"
#include "SplitRange.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Shuffle.h"
#include "mlora/Runtime/Core/Utf8.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace fs = std::filesystem;

namespace mlora {

/// A file in memory and its rows: as text, or parsed where a row of the file is none of the task.
struct Dataset::File {
  std::string path, group, content;
  std::vector<RowText> texts = {};
  std::vector<DatasetRow> parsed = {};
  bool isText = false; ///< of plain text: rows are whole files

  int64_t rows() const { return int64_t(std::max(texts.size(), parsed.size())); }
  DatasetRow parse(const RowText &text) const {
    std::string where = path + ":" + std::to_string(text.line);
    if (!isUtf8(text.text))
      badInput(where + ": is not UTF-8 (a file of mixed encodings?): convert it, with iconv for example");
    RowJson row = parseRow(text.text, path, text.line);
    if (!row.is_object())
      badInput(where + ": expected a row {\"key\": value, …}, got " + row.type_name());
    return {std::move(row), std::move(where), group};
  }
};

Dataset::Dataset(Dataset &&) noexcept = default;
Dataset::~Dataset() = default;

Dataset::Dataset(const DatasetSpec &spec, Purpose purpose) {
  if (!spec.task.empty())
    task = &taskNamedOrFail(spec.task, "dataset " + spec.path);
  SplitRange split = SplitRange::parse(spec);
  for (const GroupFile &file : findFiles(spec.path, split.name, task, purpose)) {
    open(file.path, file.group);
    if (purpose == Purpose::Training)
      refuseShots(spec, split.name, file.path);
  }
  choose(spec);
}

/// Whoever trains on the worked examples of an evaluation has seen them before its questions come.
/// `list.back()` is the file's.
void Dataset::refuseShots(const DatasetSpec &spec, const std::string &split, const fs::path &path) const {
  const File &file = list.back();
  std::string stem = path.stem().string(),
              folder = fs::absolute(path).lexically_normal().parent_path().filename();
  for (const Task *each : tasks()) {
    std::string shots(each->shotSplit);
    if (shots.empty() || (split != shots && stem != shots && folder != shots && !stem.ends_with("_" + shots)))
      continue;
    if (task ? task == each : !file.texts.empty() && each->recognises(file.parse(file.texts.front()).json))
      badInput("dataset " + spec.path + ": " + path.string() + " holds the worked examples of task " +
               std::string(each->name) +
               ", which stand before its questions: they are never trained on; train on "
               "another split (val, or auxiliary_train)");
  }
}

void Dataset::openText(const fs::path &path) {
  const Task &reader = documentTask();
  if (task && task != &reader)
    badInput(path.string() + ": is plain text, of which task " + std::string(task->name) +
             " makes no rows: they are JSON; with `task: " + std::string(reader.name) + "` a file is one row");
  std::string content = readFile(path);
  contentHash += hashHex(content) + "\n";
  checkUtf8(content, path.string() + ":");
  content.erase(0, content.size() - withoutByteOrderMark(content).size());
  if (list.empty())
    list.emplace_back().isText = true;
  RowJson row = {{std::string(reader.documentKey), std::move(content)}};
  list.back().parsed.push_back({std::move(row), path.string(), "", nullptr, true});
}

void Dataset::open(const fs::path &path, const std::string &group) {
  paths.push_back(path);
  if (path.extension() == ".txt")
    return openText(path);
  File &file = list.emplace_back(File{path.string(), group, readFile(path)});
  contentHash += hashHex(file.content) + group + "\n";
  if (path.extension() == ".csv") {
    if (!task || !task->readTable)
      badInput(file.path + ": rows of " + (task ? "task " + std::string(task->name) : "a task that is not named") +
               " are JSON, not CSV" + (task ? "" : ": say which task with `task`"));
    int64_t number = 0;
    for (RowJson &row : task->readTable(file.content, file.path, group))
      file.parsed.push_back({std::move(row), file.path + ", row " + std::to_string(++number), group});
    file.content.clear();
    return;
  }
  file.texts = splitRows(file.content, file.path);
  // MultiRC's rows hold several; where no task is named the first row tells.
  const Task *expanding = task;
  if (!expanding && !file.texts.empty()) {
    DatasetRow first = file.parse(file.texts.front());
    auto knows = [&](const Task *one) { return one->expand && one->recognises(first.json); };
    auto found = std::ranges::find_if(tasks(), knows);
    expanding = found == tasks().end() ? nullptr : *found;
  }
  if (!expanding || !expanding->expand)
    return;
  for (const RowText &text : file.texts) {
    DatasetRow row = file.parse(text);
    for (RowJson &part : expanding->expand(RowFields(row.json, row.where)))
      file.parsed.push_back({std::move(part), row.where, group});
  }
  file.texts.clear();
}

void Dataset::choose(const DatasetSpec &spec) {
  SplitRange split = SplitRange::parse(spec);
  std::vector<std::pair<int64_t, int64_t>> ranges;
  int64_t kept = 0;
  for (const File &file : list) {
    ranges.push_back(split.of(file.rows(), spec));
    total += file.rows();
    kept += ranges.back().second - ranges.back().first;
  }
  // Evenly of all files: each gives a row before one gives its next.
  int64_t most = spec.limit < 0 ? kept : std::min(kept, spec.limit);
  std::vector<int64_t> share(list.size());
  for (int64_t given = 0; given < most;)
    for (size_t i = 0; i < share.size() && given < most; ++i)
      if (ranges[i].first + share[i] < ranges[i].second) {
        ++share[i];
        ++given;
      }
  for (size_t i = 0; i < share.size(); ++i) {
    auto [first, last] = ranges[i];
    std::vector<int64_t> rows;
    if (spec.seed && share[i] < last - first) {
      rows = permutation(last - first, *spec.seed, (uint64_t(1) << 62) + i);
      rows.resize(size_t(share[i]));
      std::ranges::sort(rows);
    } else {
      rows.resize(size_t(share[i]));
      std::iota(rows.begin(), rows.end(), 0);
    }
    for (int64_t row : rows)
      chosen.emplace_back(int32_t(i), first + row);
  }
  if (chosen.empty())
    badInput(paths.front().string() + ": the dataset is empty: " +
             (total == 0 ? "the file holds no row"
                         : "split and limit leave none of its " + std::to_string(total) + " rows"));
}

std::string Dataset::fingerprint() const {
  Hasher hash;
  hash.update(contentHash).update(task ? task->name : "");
  for (auto [file, row] : chosen)
    hash.update(uint64_t(file)).update(uint64_t(row));
  return hash.hex();
}

std::map<std::string, int64_t> Dataset::groups() const {
  std::map<std::string, int64_t> result;
  for (const File &file : list)
    if (!file.group.empty())
      result[file.group] += file.rows();
  return result;
}

bool Dataset::isDocument(int64_t i) const { return list[size_t(chosen[size_t(i)].first)].isText; }

DatasetRow Dataset::row(int64_t i) const {
  auto [number, index] = chosen[size_t(i)];
  const File &file = list[size_t(number)];
  DatasetRow row = file.parsed.empty() ? file.parse(file.texts[size_t(index)]) : file.parsed[size_t(index)];
  row.task = task ? task : &taskOf(row.json, row.where);
  checkKeys(*row.task, RowFields(row.json, row.where));
  return row;
}

namespace {

Question questionOf(const Task &task, const DatasetRow &row) {
  Question question = task.question(RowFields(row.json, row.where), row.group);
  question.row = row.json;
  return question;
}

/// What stands before the questions of each group.
class Preambles {
public:
  Preambles(const Task &task, const DatasetSpec &spec, int64_t shots, const std::vector<fs::path> &questions)
      : task(task), shots(shots) {
    if (shots == 0)
      return;
    std::set<fs::path> asked;
    for (const fs::path &file : questions)
      asked.insert(fs::canonical(file));
    for (const GroupFile &file : findShotFiles(spec.path, task)) {
      if (asked.contains(fs::canonical(file.path)))
        badInput("dataset " + spec.path + ": " + file.path.string() + " holds the worked examples of task " +
                 std::string(task.name) +
                 ": its rows would be asked behind their own answers; score another split "
                 "(test, val), or set num_fewshot: 0");
      Dataset rows(DatasetSpec{.path = file.path.string(), .task = std::string(task.name)}, Purpose::Evaluation);
      for (int64_t i = 0; i < rows.rows(); ++i) {
        Question shot = questionOf(task, rows.row(i));
        byGroup[shot.group].push_back(std::move(shot));
      }
    }
  }

  const std::string &of(const std::string &group, const std::string &where) {
    auto [entry, isNew] = texts.try_emplace(group);
    if (!isNew)
      return entry->second;
    std::vector<Question> &examples = byGroup[group];
    if (int64_t(examples.size()) < shots)
      badInput(where + ": " + std::to_string(shots) + " worked examples are wanted, and split `" +
               std::string(task.shotSplit) + "` has " + std::to_string(examples.size()) + " of '" + group +
               "': lower num_fewshot");
    examples.resize(size_t(shots));
    return entry->second = task.preamble(group, examples);
  }

private:
  const Task &task;
  int64_t shots;
  std::map<std::string, std::vector<Question>> byGroup;
  std::map<std::string, std::string> texts;
};

} // namespace

Questions readQuestions(const DatasetSpec &spec) {
  Dataset rows(spec, Purpose::Evaluation);
  Questions result;
  result.task = rows.row(0).task;
  const Task &task = *result.task;
  if (task.score == Score::None)
    badInput("dataset " + spec.path + ": task " + std::string(task.name) + " asks nothing that could be scored");
  result.original = rows.original();
  result.originalOfGroup = rows.groups();
  if (spec.shots >= 0 && !task.preamble && spec.shots > 0)
    badInput("dataset " + spec.path + ": num_fewshot: task " + std::string(task.name) + " has no worked examples");
  result.shots = spec.shots >= 0 ? spec.shots : task.shots;
  Preambles preambles(task, spec, result.shots, rows.files());
  for (int64_t i = 0; i < rows.rows(); ++i) {
    DatasetRow row = rows.row(i);
    if (row.task != result.task)
      badInput(row.where + ": is a row of task " + std::string(row.task->name) + ", the first one is of " +
               std::string(task.name) + ": an entry is of one task");
    Question question = questionOf(task, row);
    if (task.preamble)
      question.prompt = preambles.of(question.group, row.where) + question.prompt;
    result.list.push_back(std::move(question));
  }
  return result;
}

} // namespace mlora
