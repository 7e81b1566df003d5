// PCRE2 with Unicode properties, a match limit and JIT, behind the little that tokenizers ask of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace mlora::tokenization {

/// Bytes [begin, end) of a text.
struct Range {
  size_t begin, end;
  bool operator==(const Range &) const = default;
};

/// A compiled expression; matching is const and safe from several threads.
class Regex {
public:
  /// `pattern` in PCRE2's own syntax. Throws Error(BadInput) that begins with `where` when it is malformed.
  Regex(const std::string &pattern, const std::string &where);

  /// All matches from left to right. Empty ones count, except right after another match. `subject` must be
  /// valid UTF-8; look-ahead and look-behind do not see past its ends.
  std::vector<Range> matches(std::string_view subject) const;

private:
  struct Free {
    void operator()(pcre2_real_code_8 *code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code;
  std::string where;
};

} // namespace mlora::tokenization
