// A text in pieces that do not merge with one another.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mlora::tokenization {

/// The pieces one after another in one buffer; none is empty.
struct Pieces {
  std::string text;
  std::vector<size_t> ends;

  Pieces() = default;
  explicit Pieces(std::string whole) : text(std::move(whole)) { endPiece(); }

  size_t size() const { return ends.size(); }
  std::string_view operator[](size_t index) const {
    size_t begin = index ? ends[index - 1] : 0;
    return std::string_view(text).substr(begin, ends[index] - begin);
  }
  /// Makes what was added to `text` since the last end a piece, unless nothing was.
  void endPiece() {
    if (text.size() > (ends.empty() ? 0 : ends.back()))
      ends.push_back(text.size());
  }
  void add(std::string_view piece) {
    text += piece;
    endPiece();
  }
};

} // namespace mlora::tokenization
