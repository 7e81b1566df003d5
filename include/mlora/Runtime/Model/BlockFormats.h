// The stored types of GGUF tensors that compiled programs read as they are. Compiler and runtime agree by
// this list; what the types mean is in GgufTypes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

/// `values` consecutive values of a row are stored in `bytes` bytes.
struct BlockFormat {
  std::string_view name; ///< as GGUF calls it
  int64_t values, bytes;
};

inline constexpr std::array<BlockFormat, 10> blockFormats = {{{"F16", 16, 32},
                                                              {"BF16", 16, 32},
                                                              {"Q4_0", 32, 18},
                                                              {"Q4_1", 32, 20},
                                                              {"Q5_0", 32, 22},
                                                              {"Q5_1", 32, 24},
                                                              {"Q8_0", 32, 34},
                                                              {"Q4_K", 256, 144},
                                                              {"Q5_K", 256, 176},
                                                              {"Q6_K", 256, 210}}};

/// Null for a type that programs do not read.
constexpr const BlockFormat *findBlockFormat(std::string_view name) {
  for (const BlockFormat &format : blockFormats)
    if (format.name == name)
      return &format;
  return nullptr;
}

/// How a program's matrix of blocks lies in memory. Its format is one ("Q4_1"), or several joined by '|' ("Q4_K|Q6_K") for a
/// kind of matrix that a file stores in more than one type. Then there is memory for rows of the widest; a layer's own
/// rows lie one behind another from its beginning, and the first byte of one more row of memory says which of the
/// formats they are of.
class BlockLayout {
public:
  /// Nothing where a name is none of `blockFormats` or stands twice.
  static std::optional<BlockLayout> find(std::string_view name) {
    BlockLayout layout;
    while (true) {
      const BlockFormat *format = findBlockFormat(name.substr(0, name.find('|')));
      if (!format || layout.numberOf(format->name))
        return std::nullopt;
      layout.formats.push_back(format);
      if (name.find('|') == name.npos)
        return layout;
      name.remove_prefix(name.find('|') + 1);
    }
  }

  std::vector<const BlockFormat *> formats;

  bool isMixed() const { return formats.size() > 1; }
  /// Whether rows of so many values are whole blocks of each format.
  bool fits(int64_t columns) const {
    return std::all_of(formats.begin(), formats.end(),
                       [&](const BlockFormat *format) { return columns % format->values == 0; });
  }
  /// Values of the least rows that are: a block of the largest.
  int64_t mostValues() const {
    int64_t values = 0;
    for (const BlockFormat *format : formats)
      values = std::max(values, format->values);
    return values;
  }
  int64_t memoryRows(int64_t rows) const { return rows + (isMixed() ? 1 : 0); }
  /// Bytes of a row of memory for rows of so many values.
  int64_t memoryRowBytes(int64_t columns) const {
    int64_t bytes = 0;
    for (const BlockFormat *format : formats)
      bytes = std::max(bytes, columns / format->values * format->bytes);
    return bytes;
  }
  /// Values of a row whose memory is of so many bytes; nothing where no rows are.
  std::optional<int64_t> columns(int64_t memoryRowBytes) const {
    for (const BlockFormat *format : formats)
      if (int64_t columns = memoryRowBytes / format->bytes * format->values;
          columns > 0 && fits(columns) && this->memoryRowBytes(columns) == memoryRowBytes)
        return columns;
    return std::nullopt;
  }
  /// What that one more row says of a layer of this format.
  std::optional<uint8_t> numberOf(std::string_view name) const {
    for (size_t i = 0; i < formats.size(); ++i)
      if (formats[i]->name == name)
        return uint8_t(i);
    return std::nullopt;
  }
};

/// "Q4_K or Q6_K" of "Q4_K|Q6_K", for messages.
inline std::string blockFormatText(std::string name) {
  for (size_t at = name.find('|'); at != name.npos; at = name.find('|', at))
    name.replace(at, 1, " or ");
  return name;
}

} // namespace mlora
