// A template's text as tokens, its white space already as trim_blocks and lstrip_blocks want it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlora::jinja {

enum class TokenKind {
  Text,        ///< outside of tags, as it is printed
  OutputBegin, ///< {{
  OutputEnd,
  BlockBegin, ///< {%
  BlockEnd,
  Name,
  String, ///< its escapes resolved
  Integer,
  Float,
  Operator,
  End,
};

struct Token {
  TokenKind kind;
  std::string text;
  int64_t line;
};

/// The last token is End. Throws Error(BadInput) that begins with `where` and the line.
std::vector<Token> tokenise(std::string_view source, const std::string &where);

/// `where, line 3: message`.
[[noreturn]] void refuse(const std::string &where, int64_t line, const std::string &message);

} // namespace mlora::jinja
