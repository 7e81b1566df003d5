#include "Csv.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Utf8.h"

namespace mlora {
namespace {

class CsvReader {
public:
  CsvReader(std::string_view content, const std::string &file)
      : content(withoutByteOrderMark(content)), file(file) {}

  std::vector<CsvRow> read() {
    std::vector<CsvRow> rows;
    while (at < content.size()) {
      CsvRow row{.line = line};
      do
        row.fields.push_back(field());
      while (take(','));
      endLine();
      if (row.fields.size() > 1 || !row.fields[0].empty())
        rows.push_back(std::move(row));
    }
    return rows;
  }

private:
  [[noreturn]] void refuse(int64_t where, const std::string &message) const {
    badInput(file + ":" + std::to_string(where) + ": " + message);
  }

  bool take(char c) {
    if (at >= content.size() || content[at] != c)
      return false;
    ++at;
    return true;
  }

  void endLine() {
    bool isReturn = take('\r');
    if (!take('\n') && at < content.size() && !isReturn)
      refuse(line, "text behind a closing quote: expected a comma or the line's end");
    ++line;
  }

  std::string field() {
    if (!take('"')) {
      size_t end = content.find_first_of(",\r\n", at);
      std::string text(content.substr(at, end - at));
      at = std::min(end, content.size());
      return text;
    }
    int64_t first = line;
    std::string text;
    while (true) {
      if (at >= content.size())
        refuse(first, "a quote is opened here and never closed");
      char c = content[at++];
      if (c == '"' && !take('"'))
        return text;
      line += c == '\n';
      text += c;
    }
  }

  std::string_view content;
  const std::string &file;
  size_t at = 0;
  int64_t line = 1;
};

} // namespace

std::vector<CsvRow> readCsv(std::string_view content, const std::string &file) {
  std::vector<CsvRow> rows = CsvReader(content, file).read();
  for (const CsvRow &row : rows)
    for (const std::string &field : row.fields)
      if (!isUtf8(field))
        badInput(file + ":" + std::to_string(row.line) + ": is not UTF-8: convert the file (iconv -t UTF-8)");
  return rows;
}

} // namespace mlora
