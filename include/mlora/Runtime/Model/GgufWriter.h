// The head of a GGUF file: metadata and tensor list, in front of data that someone else streams.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mlora {

/// A metadata value with the type that it has in the file.
using GgufField = std::variant<bool, uint32_t, int32_t, uint64_t, float, std::string, std::vector<int32_t>,
                               std::vector<float>, std::vector<std::string>>;

/// In the order of writing.
using GgufFields = std::vector<std::pair<std::string, GgufField>>;

/// Collects pairs and tensors; bytes() is what stands in front of the data, padded to its beginning.
class GgufHead {
public:
  void add(const std::string &key, const GgufField &value);
  /// A pair as another file has it: its bytes from the key's length on.
  void addRaw(std::string_view pair);
  /// Shape outermost first; `type` is ggml's id. Gives the tensor's place in the data section, where it
  /// begins at a multiple of the alignment.
  uint64_t addTensor(const std::string &name, const std::vector<int64_t> &shape, uint32_t type,
                     uint64_t bytes);

  std::string bytes() const;
  /// Bytes of the data section, the last tensor padded too.
  uint64_t dataBytes() const { return next; }

  static constexpr uint64_t alignment = 32;

private:
  std::string pairs, infos;
  uint64_t pairCount = 0, tensorCount = 0, next = 0;
};

} // namespace mlora
