#include "Oniguruma.h"

#include "NewerUnicode.h"
#include "mlora/Runtime/Core/Error.h"

#include <cctype>

namespace mlora::tokenization {

namespace {

// Oniguruma's \w [measured over all code points]; PCRE2's leaves out marks and other alphabetic characters.
constexpr std::string_view wordMembers =
    "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}";

class Translator {
public:
  Translator(std::string_view pattern, const std::string &where) : pattern(pattern), where(where) {}

  std::string translate() {
    while (at < pattern.size()) {
      char c = pattern[at];
      if (c == '\\')
        escape(Place::Outside);
      else if (c == '[')
        characterClass();
      else if (c == '(')
        group();
      else if (c == '{')
        repeat();
      else
        copy(1);
    }
    return std::move(result);
  }

private:
  enum class Place { Outside, InClass };

  std::string_view rest() const { return pattern.substr(at); }
  bool next(std::string_view text) const { return rest().starts_with(text); }
  void copy(size_t length) {
    result += pattern.substr(at, length);
    at += length;
  }
  void write(std::string_view text, size_t instead) {
    result += text;
    at += instead;
  }

  [[noreturn]] void refuse(const std::string &what) const {
    badInput(where + ": the regular expression " + std::string(pattern) + " uses " + what + " at byte " +
             std::to_string(at) + ", which is not supported");
  }

  void group() {
    if (!next("(?"))
      return copy(1);
    for (std::string_view opening : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:", "(?-i:"})
      if (next(opening))
        return copy(opening.size());
    // Further on, the reach of (?i) over `|` is another one in PCRE2.
    if (at == 0 && next("(?i)"))
      return copy(4);
    refuse("the group " + std::string(rest().substr(0, 4)));
  }

  void repeat() {
    size_t close = rest().find('}');
    if (close == std::string_view::npos || close < 2 ||
        !std::isdigit(static_cast<unsigned char>(pattern[at + 1])))
      refuse("a brace that is no {n}, {n,} or {n,m}");
    // Not possessive in Oniguruma but a repetition of a repetition.
    if (rest().substr(close + 1).starts_with('+'))
      refuse("a + after a counted repetition");
    copy(close + 1);
  }

  void characterClass() {
    copy(1);
    if (next("^"))
      copy(1);
    if (next("]"))
      refuse("] as the first member of a set");
    while (!next("]")) {
      if (at == pattern.size())
        refuse("a set without its ]");
      if (next("[") || next("&&"))
        refuse("a nested set or an intersection of sets");
      if (next("\\"))
        escape(Place::InClass);
      else
        copy(1);
    }
    copy(1);
  }

  void escape(Place place) {
    char c = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
    if (!c)
      refuse("a \\ without a character behind it");
    if (c == 'p' || c == 'P')
      return property(place);
    if (c == 's') // PCRE2's \s has U+180E besides
      return write("\\p{White_Space}", 2);
    if (c == 'S')
      return write("\\P{White_Space}", 2);
    if (c == 'w')
      return write(place == Place::InClass ? std::string(wordMembers) : "[" + std::string(wordMembers) + "]",
                   2);
    if (c == 'W' && place == Place::Outside)
      return write("[^" + std::string(wordMembers) + "]", 2);
    if (c == 'u')
      return unicodeEscape();
    if (c == 'x' && next("\\x{"))
      return copy(3);
    bool same = (std::string_view("dDrntf").find(c) != std::string_view::npos ||
                 std::ispunct(static_cast<unsigned char>(c)) || c == ' ');
    // Anchors of the text, which mean nothing in a set.
    bool anchor = place == Place::Outside && (c == 'A' || c == 'z');
    if (c == 'v')
      return write("\\x{B}", 2); // PCRE2's \v is every vertical space
    if (!same && !anchor)
      refuse("\\" + std::string(1, c));
    copy(2);
  }

  void unicodeEscape() {
    std::string_view digits = rest().substr(2, 4);
    for (char digit : digits)
      if (!std::isxdigit(static_cast<unsigned char>(digit)))
        refuse("\\u without four hexadecimal digits");
    if (digits.size() < 4)
      refuse("\\u without four hexadecimal digits");
    write("\\x{" + std::string(digits) + "}", 6);
  }

  void property(Place place) {
    size_t close = rest().find('}');
    if (rest().substr(2, 1) != "{" || close == std::string_view::npos)
      refuse("a property without braces");
    std::string_view name = rest().substr(3, close - 3);
    bool negated = name.starts_with('^');
    if (negated)
      name.remove_prefix(1);
    if (name == "L" || name == "N") {
      bool outside = place == Place::Outside, none = negated != (pattern[at + 1] == 'P');
      std::string_view newer = name == "L" ? newerLetters : newerNumbers;
      std::string members = "\\p{" + std::string(name) + "}" + std::string(newer);
      if (!none || outside)
        return write(!outside ? members : (none ? "[^" : "[") + members + "]", close + 1);
    }
    bool category = name.size() <= 2 || name == "Alphabetic" || name == "White_Space";
    // A bare script name would mean its extensions too in PCRE2.
    result += pattern.substr(at, 3);
    result += std::string(negated ? "^" : "") + (category ? "" : "sc:") + std::string(name) + "}";
    at += close + 1;
  }

  std::string_view pattern;
  const std::string &where;
  std::string result;
  size_t at = 0;
};

} // namespace

std::string pcreOfOniguruma(std::string_view pattern, const std::string &where) {
  return Translator(pattern, where).translate();
}

} // namespace mlora::tokenization
