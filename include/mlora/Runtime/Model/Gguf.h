// The GGUF container, version 3 (and 2, which has the same layout): a strict reader.
#pragma once

#include "mlora/Runtime/Core/MappedFile.h"
#include "mlora/Runtime/Model/GgufTypes.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace mlora {

/// A metadata value. All integer types become int64_t, both float types double.
using GgufValue = std::variant<bool, int64_t, double, std::string, std::vector<bool>, std::vector<int64_t>,
                               std::vector<double>, std::vector<std::string>>;

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape; ///< outermost first, the reverse of the file's order
  const GgufType *type = nullptr;
  uint64_t offset = 0, bytes = 0; ///< offset from the start of the file
  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  int64_t rows() const; ///< product of all dimensions but the last
};

/// Where a pair lies in its file: from its key's length to the end of its value.
struct GgufRawPair {
  std::string key;
  uint64_t offset = 0, bytes = 0;
};

/// Whether a file's first bytes are GGUF's.
bool beginsLikeGguf(const std::filesystem::path &path);

/// Opening checks everything: lengths, duplicate keys and names, alignment, that the tensors follow one
/// another without gap or overlap and end where the file ends. Every message names the file and the key or
/// tensor.
class GgufFile {
public:
  explicit GgufFile(const std::filesystem::path &path);

  const std::filesystem::path &path() const { return file.path(); }
  const std::map<std::string, GgufValue> &values() const { return pairs; }
  /// In file order, for whoever copies metadata as it is.
  const std::vector<GgufRawPair> &rawPairs() const { return places; }
  std::span<const uint8_t> bytes(const GgufRawPair &pair) const {
    return file.bytes().subspan(pair.offset, pair.bytes);
  }
  bool has(const std::string &key) const { return pairs.count(key) != 0; }

  // A key's value, nothing when it is absent; an error when it has another type.
  std::optional<int64_t> integer(const std::string &key) const;
  std::optional<double> number(const std::string &key) const;
  std::optional<bool> boolean(const std::string &key) const;
  std::optional<std::string> string(const std::string &key) const;
  const std::vector<int64_t> *integers(const std::string &key) const;
  const std::vector<double> *numbers(const std::string &key) const;
  const std::vector<std::string> *strings(const std::string &key) const;

  /// In file order.
  const std::vector<GgufTensor> &tensors() const { return list; }
  const GgufTensor *findTensor(const std::string &name) const;
  std::span<const uint8_t> bytes(const GgufTensor &tensor) const;
  /// Values of rows [firstRow, firstRow + rows) as f32.
  void readRows(const GgufTensor &tensor, int64_t firstRow, int64_t rows, float *out) const;
  /// Gives back the file pages of those rows.
  void release(const GgufTensor &tensor, int64_t firstRow, int64_t rows) const;

private:
  template <typename T> const T *typed(const std::string &key, const char *expected) const;
  MappedFile file;
  std::map<std::string, GgufValue> pairs;
  std::vector<GgufRawPair> places;
  std::vector<GgufTensor> list;
  std::map<std::string, size_t> byName;
};

} // namespace mlora
