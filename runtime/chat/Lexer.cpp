#include "Lexer.h"

#include "Characters.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>

namespace mlora::jinja {

void refuse(const std::string &where, int64_t line, const std::string &message) {
  badInput(where + ", line " + std::to_string(line) + ": " + message);
}

namespace {

constexpr std::string_view space = " \t\r\n\f\v";

bool isSpace(char c) { return space.find(c) != std::string_view::npos; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Lexer {
public:
  Lexer(std::string text, const std::string &where) : source(std::move(text)), where(where) {}

  std::vector<Token> run() {
    while (at < source.size()) {
      size_t tag = findTag();
      emitText(tag);
      if (tag == std::string::npos)
        break;
      readTag();
    }
    tokens.push_back({TokenKind::End, "the end of the template", line});
    return std::move(tokens);
  }

private:
  size_t findTag() const {
    for (size_t open = source.find('{', at); open != std::string::npos; open = source.find('{', open + 1))
      if (open + 1 < source.size() &&
          std::string_view("{%#").find(source[open + 1]) != std::string_view::npos)
        return open;
    return std::string::npos;
  }

  /// The text up to a tag, without the white space that the tag takes.
  void emitText(size_t tag) {
    size_t end = std::min(tag, source.size());
    std::string_view text = std::string_view(source).substr(at, end - at);
    if (tag != std::string::npos) {
      char sign = tag + 2 < source.size() ? source[tag + 2] : ' ';
      if (sign == '-')
        text = text.substr(0, text.find_last_not_of(space) + 1);
      else if (sign != '+' && source[tag + 1] != '{')
        text = withoutIndent(text);
    }
    if (!text.empty())
      tokens.push_back({TokenKind::Text, std::string(text), line});
    advance(end);
  }

  /// lstrip_blocks: white space between a line's begin and a block.
  std::string_view withoutIndent(std::string_view text) const {
    size_t newline = text.rfind('\n'), begin = newline == std::string_view::npos ? 0 : newline + 1;
    bool startsLine = begin > 0 || at == 0 || source[at - 1] == '\n';
    bool blank = text.find_first_not_of(space, begin) == std::string_view::npos;
    return startsLine && blank ? text.substr(0, begin) : text;
  }

  void advance(size_t to) {
    line += std::count(source.begin() + int64_t(at), source.begin() + int64_t(to), '\n');
    at = to;
  }

  void readTag() {
    char kind = source[at + 1];
    int64_t opened = line;
    if (kind == '#') {
      size_t end = source.find("#}", at + 2);
      if (end == std::string::npos)
        refuse(where, opened, "a comment {# is never closed");
      return closeTag(end, 2);
    }
    advance(at + 2 + (at + 2 < source.size() && (source[at + 2] == '-' || source[at + 2] == '+')));
    bool isBlock = kind == '%';
    if (isBlock && readRaw(opened))
      return;
    std::string_view end = isBlock ? "%}" : "}}";
    tokens.push_back({isBlock ? TokenKind::BlockBegin : TokenKind::OutputBegin, isBlock ? "{%" : "{{", line});
    for (skipSpace(); !isTagEnd(end); skipSpace()) {
      if (at >= source.size())
        refuse(where, opened, std::string("a tag ") + (isBlock ? "{%" : "{{") + " is never closed");
      readToken();
    }
    tokens.push_back({isBlock ? TokenKind::BlockEnd : TokenKind::OutputEnd, std::string(end), line});
    size_t sign = source[at] == '-' || source[at] == '+';
    closeTag(at + sign, 2, isBlock);
  }

  /// From the last two characters of a tag past what belongs to it: all white space behind `-`, one line's
  /// end behind a block (trim_blocks) unless `+` keeps it.
  void closeTag(size_t end, size_t length, bool trims = true) {
    char sign = source[end - 1];
    size_t next = end + length;
    if (sign == '-')
      next = std::min(source.find_first_not_of(space, next), source.size());
    else if (trims && sign != '+' && next < source.size() && source[next] == '\n')
      ++next;
    advance(next);
  }

  bool isTagEnd(std::string_view end) const {
    if (!open.empty())
      return false;
    size_t sign = at < source.size() && (source[at] == '-' || source[at] == '+');
    return std::string_view(source).substr(std::min(at + sign, source.size())).starts_with(end);
  }

  void skipSpace() {
    while (at < source.size() && isSpace(source[at]))
      advance(at + 1);
  }

  /// `{% raw %}` … `{% endraw %}`: text, whatever it looks like.
  bool readRaw(int64_t opened) {
    size_t from = wordTag(at, "raw");
    if (from == std::string::npos)
      return false;
    bool strips = source[from - 3] == '-';
    if (strips)
      from = std::min(source.find_first_not_of(space, from), source.size());
    advance(from);
    for (size_t tag = source.find("{%", at); tag != std::string::npos; tag = source.find("{%", tag + 1)) {
      size_t inside = tag + 2 + (source[tag + 2] == '-' || source[tag + 2] == '+');
      size_t end = wordTag(inside, "endraw");
      if (end == std::string::npos)
        continue;
      emitText(tag);
      closeTag(end - 2, 2);
      return true;
    }
    refuse(where, opened, "{% raw %} is never closed by {% endraw %}");
  }

  /// Where `word %}` ends that begins at `from`; npos when something else is there.
  size_t wordTag(size_t from, std::string_view word) const {
    size_t begin = source.find_first_not_of(space, from);
    if (begin == std::string::npos || source.compare(begin, word.size(), word) != 0)
      return std::string::npos;
    size_t end = source.find_first_not_of(space, begin + word.size());
    if (end != std::string::npos && (source[end] == '-' || source[end] == '+'))
      ++end;
    return end != std::string::npos && source.compare(end, 2, "%}") == 0 ? end + 2 : std::string::npos;
  }

  void readToken() {
    char c = source[at];
    if (isNameStart(c))
      return take(TokenKind::Name, [](char next) { return isNameStart(next) || isDigit(next); });
    if (isDigit(c))
      return readNumber();
    if (c == '"' || c == '\'')
      return readString();
    static constexpr std::string_view operators[] = {"==", "!=", "<=", ">=", "//", "**", "+", "-", "*",
                                                     "/",  "%",  "~",  "<",  ">",  "=",  ".", ",", ":",
                                                     "|",  "(",  ")",  "[",  "]",  "{",  "}"};
    for (std::string_view candidate : operators)
      if (std::string_view(source).substr(at).starts_with(candidate)) {
        balance(c);
        tokens.push_back({TokenKind::Operator, std::string(candidate), line});
        return advance(at + candidate.size());
      }
    refuse(where, line, "unexpected character '" + std::string(1, c) + "'");
  }

  void balance(char c) {
    if (c == '(' || c == '[' || c == '{')
      open.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    if (c != ')' && c != ']' && c != '}')
      return;
    if (open.empty() || open.back() != c)
      refuse(where, line, "unexpected '" + std::string(1, c) + "'");
    open.pop_back();
  }

  template <typename Belongs> void take(TokenKind kind, Belongs belongs) {
    size_t begin = at, end = at;
    while (end < source.size() && belongs(source[end]))
      ++end;
    advance(end);
    tokens.push_back({kind, source.substr(begin, end - begin), line});
  }

  void readNumber() {
    auto digits = [](char next) { return isDigit(next) || next == '_'; };
    take(TokenKind::Integer, digits);
    Token &number = tokens.back();
    if (at + 1 < source.size() && source[at] == '.' && isDigit(source[at + 1])) {
      size_t begin = at++;
      while (at < source.size() && digits(source[at]))
        ++at;
      number.kind = TokenKind::Float;
      number.text += source.substr(begin, at - begin);
    }
    size_t sign = at + 1 < source.size() && (source[at + 1] == '+' || source[at + 1] == '-');
    if (at + 1 + sign < source.size() && (source[at] == 'e' || source[at] == 'E') &&
        isDigit(source[at + 1 + sign])) {
      size_t begin = at;
      for (at += 2 + sign; at < source.size() && digits(source[at]);)
        ++at;
      number.kind = TokenKind::Float;
      number.text += source.substr(begin, at - begin);
    }
    std::erase(number.text, '_');
  }

  void readString() {
    char quote = source[at];
    int64_t opened = line;
    std::string text;
    size_t next = at + 1;
    for (; next < source.size() && source[next] != quote; ++next) {
      if (source[next] == '\\' && next + 1 < source.size())
        next = readEscape(next + 1, text);
      else
        text += source[next];
    }
    if (next >= source.size())
      refuse(where, opened, "a string is opened here and never closed");
    advance(next + 1);
    tokens.push_back({TokenKind::String, std::move(text), opened});
  }

  /// Python's escapes. Returns the index of the last character that belongs to it.
  size_t readEscape(size_t index, std::string &text) const {
    static constexpr std::string_view letters = "abfnrtv\\'\"", meanings = "\a\b\f\n\r\t\v\\'\"";
    char c = source[index];
    if (size_t found = letters.find(c); found != std::string_view::npos) {
      text += meanings[found];
      return index;
    }
    if (c == '\n')
      return index;
    size_t length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, base = 16, begin = index + 1;
    if (c >= '0' && c <= '7') {
      base = 8;
      begin = index;
      while (length < 3 && begin + length < source.size() && source[begin + length] >= '0' &&
             source[begin + length] <= '7')
        ++length;
    }
    if (length == 0) {
      (text += '\\') += c;
      return index;
    }
    std::string digits = source.substr(begin, length);
    size_t used = 0;
    bool valid = digits.size() == length &&
                 std::all_of(digits.begin(), digits.end(), [](unsigned char d) { return std::isxdigit(d); });
    unsigned long code = valid ? std::stoul(digits, &used, int(base)) : 0;
    if (used != length || !appendCharacter(text, code))
      refuse(where, line, "'\\" + std::string(1, c) + digits + "' is no character");
    return begin + length - 1;
  }

  std::string source;
  const std::string &where;
  size_t at = 0;
  int64_t line = 1;
  std::string open; ///< brackets that wait for their ends
  std::vector<Token> tokens;
};

} // namespace

std::vector<Token> tokenise(std::string_view source, const std::string &where) {
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    bool isReturn = source[i] == '\r';
    i += isReturn && i + 1 < source.size() && source[i + 1] == '\n';
    text += isReturn ? '\n' : source[i];
  }
  if (text.ends_with('\n')) // keep_trailing_newline is off
    text.pop_back();
  return Lexer(std::move(text), where).run();
}

} // namespace mlora::jinja
