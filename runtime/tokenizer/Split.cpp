#include "Split.h"

#include <algorithm>
#include <cctype>

namespace mlora::tokenization {

namespace {

struct Part {
  Range range;
  bool delimiter;
};

std::vector<Part> partsOf(std::string_view piece, const std::vector<Range> &matches, Delimiters delimiters) {
  bool matchDelimits = delimiters == Delimiters::Matches;
  std::vector<Part> parts;
  parts.reserve(2 * matches.size() + 1);
  size_t done = 0;
  for (Range match : matches) {
    if (done != match.begin)
      parts.push_back({{done, match.begin}, !matchDelimits});
    parts.push_back({match, matchDelimits});
    done = match.end;
  }
  if (done != piece.size())
    parts.push_back({{done, piece.size()}, !matchDelimits});
  return parts;
}

/// Joins neighbours that `joins(part, delimiter before it)` wants together. Only the first delimiter of
/// several in a row is joined to other text, as in HF.
template <typename Joins> std::vector<Range> joined(const std::vector<Part> &parts, Joins joins) {
  std::vector<Range> result;
  bool before = false;
  for (const Part &part : parts) {
    if (joins(part.delimiter, before) && !result.empty()) {
      result.back().begin = std::min(result.back().begin, part.range.begin);
      result.back().end = std::max(result.back().end, part.range.end);
    } else {
      result.push_back(part.range);
    }
    before = part.delimiter;
  }
  return result;
}

} // namespace

std::optional<SplitBehavior> splitBehaviorOf(std::string name) {
  std::erase(name, '_');
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name == "removed")
    return SplitBehavior::Removed;
  if (name == "isolated")
    return SplitBehavior::Isolated;
  if (name == "mergedwithprevious")
    return SplitBehavior::MergedWithPrevious;
  if (name == "mergedwithnext")
    return SplitBehavior::MergedWithNext;
  if (name == "contiguous")
    return SplitBehavior::Contiguous;
  return std::nullopt;
}

void splitAt(std::string_view piece, const std::vector<Range> &matches, SplitBehavior behavior,
             Delimiters delimiters, Pieces &result) {
  std::vector<Part> parts = partsOf(piece, matches, delimiters);
  std::vector<Range> ranges;
  auto merges = [](bool delimiter, bool before) { return delimiter && !before; };
  switch (behavior) {
  case SplitBehavior::Removed:
    std::erase_if(parts, [](const Part &part) { return part.delimiter; });
    [[fallthrough]];
  case SplitBehavior::Isolated:
    ranges = joined(parts, [](bool, bool) { return false; });
    break;
  case SplitBehavior::Contiguous:
    ranges = joined(parts, [](bool delimiter, bool before) { return delimiter == before; });
    break;
  case SplitBehavior::MergedWithPrevious:
    ranges = joined(parts, merges);
    break;
  case SplitBehavior::MergedWithNext: // the same from the other end
    std::reverse(parts.begin(), parts.end());
    ranges = joined(parts, merges);
    std::reverse(ranges.begin(), ranges.end());
    break;
  }
  for (Range range : ranges)
    result.add(piece.substr(range.begin, range.end - range.begin));
}

} // namespace mlora::tokenization
