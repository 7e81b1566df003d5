#include "Split.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <charconv>

namespace mlora {
namespace {

namespace fs = std::filesystem;

/// `train[:90%]` is name `train` and range `:90%`.
struct ParsedSplit {
  std::string name, range;
};

[[noreturn]] void refuseSplit(const DatasetSpec &spec) {
  badInput("dataset " + spec.path + ": split '" + spec.split +
           "': expected a name, a range of rows ([:100], [90%:]), or both");
}

ParsedSplit parseSplit(const DatasetSpec &spec) {
  size_t bracket = std::min(spec.split.find('['), spec.split.size());
  ParsedSplit parsed{spec.split.substr(0, bracket), spec.split.substr(bracket)};
  if (parsed.range.empty())
    return parsed;
  if (parsed.range.size() < 3 || parsed.range.back() != ']' || parsed.range.find(':') == std::string::npos)
    refuseSplit(spec);
  parsed.range = parsed.range.substr(1, parsed.range.size() - 2);
  return parsed;
}

/// One end of a range: rows, or per cent of them; negative counts from the end; empty is `otherwise`.
int64_t bound(std::string_view text, int64_t rows, int64_t otherwise, const DatasetSpec &spec) {
  if (text.empty())
    return otherwise;
  bool percent = text.back() == '%';
  if (percent)
    text.remove_suffix(1);
  int64_t value = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || (percent && (value < -100 || value > 100)))
    refuseSplit(spec);
  if (percent)
    value = rows * value / 100;
  return std::clamp<int64_t>(value < 0 ? value + rows : value, 0, rows);
}

/// Names of the JSON files of a folder, for a message.
std::string jsonFiles(const fs::path &folder) {
  std::vector<std::string> names;
  for (const auto &entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json" || entry.path().extension() == ".jsonl")
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "no .json or .jsonl file" : text;
}

} // namespace

fs::path datasetFile(const DatasetSpec &spec, Purpose purpose) {
  fs::path path(spec.path);
  std::string name = parseSplit(spec).name;
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    badInput("dataset " + spec.path + ": no such file or folder");
  if (!fs::is_directory(path, ignored)) {
    if (!name.empty() && name != path.stem())
      badInput("dataset " + spec.path + ": split '" + name + "' asked of a file: name a folder that holds " +
               name + ".jsonl, or a range of rows");
    return path;
  }
  std::vector<std::string> names = {name};
  if (name.empty())
    names = purpose == Purpose::Training ? std::vector<std::string>{"train"}
                                         : std::vector<std::string>{"validation", "val"};
  for (const std::string &candidate : names)
    for (const char *extension : {".jsonl", ".json"})
      if (fs::path file = path / (candidate + extension); fs::exists(file, ignored))
        return file;
  badInput("dataset " + spec.path + ": no " + names[0] + ".jsonl or " + names[0] + ".json there, but " +
           jsonFiles(path) + ": name one with `split`");
}

std::pair<int64_t, int64_t> datasetRange(const DatasetSpec &spec, int64_t rows) {
  std::string range = parseSplit(spec).range;
  int64_t first = 0, last = rows;
  if (!range.empty()) {
    size_t colon = range.find(':');
    first = bound(std::string_view(range).substr(0, colon), rows, 0, spec);
    last = bound(std::string_view(range).substr(colon + 1), rows, rows, spec);
  }
  last = std::max(first, last);
  if (spec.limit >= 0)
    last = std::min(last, first + std::min(spec.limit, rows));
  return {first, last};
}

} // namespace mlora
