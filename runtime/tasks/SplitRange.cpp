#include "SplitRange.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <charconv>

namespace mlora {
namespace {

[[noreturn]] void refuse(const DatasetSpec &spec) {
  badInput("dataset " + spec.path + ": split '" + spec.split +
           "': expected a name, a range of rows ([:100], [90%:]), or both");
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
    refuse(spec);
  if (percent)
    value = rows * value / 100;
  return std::clamp<int64_t>(value < 0 ? value + rows : value, 0, rows);
}

} // namespace

SplitRange SplitRange::parse(const DatasetSpec &spec) {
  size_t bracket = std::min(spec.split.find('['), spec.split.size());
  SplitRange parsed{spec.split.substr(0, bracket), spec.split.substr(bracket)};
  if (parsed.range.empty())
    return parsed;
  if (parsed.range.size() < 3 || parsed.range.back() != ']' || parsed.range.find(':') == std::string::npos)
    refuse(spec);
  parsed.range = parsed.range.substr(1, parsed.range.size() - 2);
  return parsed;
}

std::pair<int64_t, int64_t> SplitRange::of(int64_t rows, const DatasetSpec &spec) const {
  if (range.empty())
    return {0, rows};
  size_t colon = range.find(':');
  int64_t first = bound(std::string_view(range).substr(0, colon), rows, 0, spec);
  int64_t last = bound(std::string_view(range).substr(colon + 1), rows, rows, spec);
  return {first, std::max(first, last)};
}

} // namespace mlora
