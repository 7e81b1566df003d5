#include "PreTokenizer.h"

#include "ByteLevel.h"
#include "Component.h"
#include "Oniguruma.h"
#include "Pattern.h"
#include "Split.h"
#include "Utf8.h"

namespace mlora::tokenization {

namespace {

/// Any pattern, any behaviour.
class Split : public PreTokenizer {
public:
  explicit Split(const JsonFields &component)
      : pattern(component, "pattern"),
        delimiters(component.optionalBoolean("invert").value_or(false) ? Delimiters::Gaps
                                                                       : Delimiters::Matches) {
    allowOnly(component, {"type", "pattern", "behavior", "invert"});
    auto known = splitBehaviorOf(component.string("behavior"));
    if (!known)
      component.refuse("behavior",
                       "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous is expected");
    behavior = *known;
  }

  Pieces apply(Pieces pieces, Segment) const override {
    Pieces result;
    result.text.reserve(pieces.text.size());
    for (size_t i = 0; i < pieces.size(); ++i)
      splitAt(pieces[i], pattern.matches(pieces[i]), behavior, delimiters, result);
    return result;
  }

private:
  Pattern pattern;
  SplitBehavior behavior;
  Delimiters delimiters;
};

/// GPT-2's: its regex, then every byte as a character.
class ByteLevel : public PreTokenizer {
public:
  explicit ByteLevel(const JsonFields &component)
      : prefixSpace(component.optionalBoolean("add_prefix_space").value_or(true)) {
    allowOnly(component, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
    if (component.optionalBoolean("use_regex").value_or(true))
      regex.emplace(pcreOfOniguruma(gpt2, component.where()), component.where());
  }

  Pieces apply(Pieces pieces, Segment) const override {
    Pieces result;
    result.text.reserve(pieces.text.size() * 2);
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (prefixSpace && !pieces[i].starts_with(' '))
        addPiece(" " + std::string(pieces[i]), result);
      else
        addPiece(pieces[i], result);
    }
    return result;
  }

private:
  static constexpr std::string_view gpt2 =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

  void addPiece(std::string_view piece, Pieces &result) const {
    if (!regex) {
      appendByteLevel(result.text, piece);
      return result.endPiece();
    }
    Pieces parts;
    splitAt(piece, regex->matches(piece), SplitBehavior::Isolated, Delimiters::Matches, parts);
    for (size_t i = 0; i < parts.size(); ++i) {
      appendByteLevel(result.text, parts[i]);
      result.endPiece();
    }
  }

  bool prefixSpace;
  std::optional<Regex> regex;
};

/// Numbers apart from other text (any of Unicode's N categories), and from one another when individual.
class Digits : public PreTokenizer {
public:
  explicit Digits(const JsonFields &component)
      : behavior(component.optionalBoolean("individual_digits").value_or(false) ? SplitBehavior::Isolated
                                                                                : SplitBehavior::Contiguous),
        number(pcreOfOniguruma(R"(\p{N})", component.where()), component.where()) {
    allowOnly(component, {"type", "individual_digits"});
  }

  Pieces apply(Pieces pieces, Segment) const override {
    Pieces result;
    result.text.reserve(pieces.text.size());
    for (size_t i = 0; i < pieces.size(); ++i)
      splitAt(pieces[i], number.matches(pieces[i]), behavior, Delimiters::Matches, result);
    return result;
  }

private:
  SplitBehavior behavior;
  Regex number;
};

/// SentencePiece's: spaces become ▁, one is put in front, and each begins a piece.
class Metaspace : public PreTokenizer {
public:
  explicit Metaspace(const JsonFields &component) : split(component.optionalBoolean("split").value_or(true)) {
    allowOnly(component, {"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"});
    replacement = component.optionalString("replacement").value_or("▁");
    std::string scheme = component.optionalString("prepend_scheme").value_or("always");
    if (scheme != "always" && scheme != "first" && scheme != "never")
      component.refuse("prepend_scheme", "always, first or never is expected");
    if (component.optionalBoolean("add_prefix_space") == false && scheme != "never")
      component.refuse("add_prefix_space", "false contradicts prepend_scheme \"" + scheme + "\"");
    prepend = scheme == "always" ? Prepend::Always : scheme == "first" ? Prepend::First : Prepend::Never;
  }

  Pieces apply(Pieces pieces, Segment segment) const override {
    Pieces result;
    for (size_t i = 0; i < pieces.size(); ++i) {
      bool first = segment == Segment::First && i == 0;
      std::string piece = replaceSpaces(pieces[i]);
      bool wanted = prepend == Prepend::Always || (prepend == Prepend::First && first);
      if (wanted && !piece.starts_with(replacement))
        piece = replacement + piece;
      if (split)
        splitAt(piece, marksIn(piece), SplitBehavior::MergedWithNext, Delimiters::Matches, result);
      else
        result.add(piece);
    }
    return result;
  }

private:
  enum class Prepend { Always, First, Never };

  std::string replaceSpaces(std::string_view piece) const {
    std::string result;
    for (char c : piece)
      c == ' ' ? result += replacement : result += c;
    return result;
  }
  std::vector<Range> marksIn(std::string_view piece) const {
    std::vector<Range> marks;
    for (size_t at = piece.find(replacement); at != piece.npos; at = piece.find(replacement, at + 1))
      marks.push_back({at, at + replacement.size()});
    return marks;
  }

  std::string replacement;
  Prepend prepend;
  bool split;
};

class Sequence : public PreTokenizer {
public:
  explicit Sequence(const JsonFields &component) {
    allowOnly(component, {"type", "pretokenizers"});
    for (const JsonFields &part : componentsOf(component, "pretokenizers"))
      parts.push_back(parse(part));
  }
  Pieces apply(Pieces pieces, Segment segment) const override {
    for (const auto &part : parts)
      pieces = part->apply(std::move(pieces), segment);
    return pieces;
  }

private:
  std::vector<std::unique_ptr<PreTokenizer>> parts;
};

} // namespace

std::unique_ptr<PreTokenizer> PreTokenizer::parse(const JsonFields &component) {
  std::string type = component.string("type");
  if (type == "Split")
    return std::make_unique<Split>(component);
  if (type == "ByteLevel")
    return std::make_unique<ByteLevel>(component);
  if (type == "Digits")
    return std::make_unique<Digits>(component);
  if (type == "Metaspace")
    return std::make_unique<Metaspace>(component);
  if (type == "Sequence")
    return std::make_unique<Sequence>(component);
  refuseType(component, "Split, ByteLevel, Digits, Metaspace and Sequence");
}

} // namespace mlora::tokenization
