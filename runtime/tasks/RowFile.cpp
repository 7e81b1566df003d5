#include "RowFile.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Utf8.h"

#include <algorithm>

namespace mlora {
namespace {

constexpr std::string_view space = " \t\r\n";

int64_t newlines(std::string_view text) { return std::count(text.begin(), text.end(), '\n'); }

std::vector<RowText> splitLines(std::string_view content) {
  std::vector<RowText> rows;
  int64_t line = 1;
  for (size_t begin = 0; begin < content.size(); ++line) {
    size_t end = std::min(content.find('\n', begin), content.size());
    std::string_view text = content.substr(begin, end - begin);
    if (text.find_first_not_of(space) != std::string_view::npos)
      rows.push_back({text, line});
    begin = end + 1;
  }
  return rows;
}

/// The elements of the outermost array. Only strings and brackets are understood here: the rest is for the
/// parser, which then can say in which line an element goes wrong.
class ArraySplitter {
public:
  ArraySplitter(std::string_view content, const std::string &where) : content(content), where(where) {}

  std::vector<RowText> split() {
    at = content.find('[') + 1;
    line = 1 + newlines(content.substr(0, at));
    skipSpace();
    if (peek() == ']')
      return finish();
    while (true) {
      size_t begin = at;
      int64_t firstLine = line;
      skipElement();
      rows.push_back({content.substr(begin, at - begin), firstLine});
      char closing = content[at++];
      if (closing == ']') {
        --at;
        return finish();
      }
      skipSpace();
    }
  }

private:
  char peek() const {
    if (at >= content.size())
      badInput(where + ":" + std::to_string(line) +
               ": not JSON: the array that begins the file is never closed");
    return content[at];
  }

  void skipSpace() {
    for (; at < content.size() && space.find(content[at]) != std::string_view::npos; ++at)
      line += content[at] == '\n';
  }

  /// To the comma or bracket that ends the element.
  void skipElement() {
    int64_t depth = 0;
    for (;; ++at) {
      char c = peek();
      line += c == '\n';
      if (c == '"')
        skipString();
      else if (c == '[' || c == '{')
        ++depth;
      else if (depth == 0 && (c == ',' || c == ']'))
        return;
      else if (c == ']' || c == '}')
        --depth;
    }
  }

  /// From its opening quote to its closing one.
  void skipString() {
    for (++at; peek() != '"'; ++at) {
      at += content[at] == '\\';
      line += peek() == '\n';
    }
  }

  std::vector<RowText> finish() {
    ++at;
    skipSpace();
    if (at < content.size())
      badInput(where + ":" + std::to_string(line) + ": not JSON: something follows the array");
    return std::move(rows);
  }

  std::string_view content;
  const std::string &where;
  size_t at = 0;
  int64_t line = 1;
  std::vector<RowText> rows;
};

} // namespace

std::vector<RowText> splitRows(std::string_view content, const std::string &where) {
  content = withoutByteOrderMark(content);
  size_t first = content.find_first_not_of(space);
  if (first == std::string_view::npos)
    return {};
  return content[first] == '[' ? ArraySplitter(content, where).split() : splitLines(content);
}

} // namespace mlora
