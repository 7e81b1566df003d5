// Writes small GGUF files, right or wrong ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace mlora::test {

class GgufBuilder {
public:
  uint32_t version = 3, alignment = 32;
  std::string pairs, infos, data;
  uint64_t pairCount = 0, tensorCount = 0;

  template <typename T> static std::string raw(T value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
  }
  static std::string text(const std::string &value) { return raw(uint64_t(value.size())) + value; }

  /// A pair of any type, its value already as bytes.
  GgufBuilder &pair(const std::string &key, uint32_t type, const std::string &value) {
    pairs += text(key) + raw(type) + value;
    ++pairCount;
    return *this;
  }
  GgufBuilder &integer(const std::string &key, uint32_t value) { return pair(key, 4, raw(value)); }
  GgufBuilder &real(const std::string &key, float value) { return pair(key, 6, raw(value)); }
  GgufBuilder &string(const std::string &key, const std::string &value) { return pair(key, 8, text(value)); }

  /// Shape outermost first. Data is what the caller says, padded behind.
  GgufBuilder &tensor(const std::string &name, const std::vector<uint64_t> &shape, uint32_t type,
                      const std::string &bytes) {
    return tensorAt(name, shape, type, bytes, data.size());
  }
  GgufBuilder &tensorAt(const std::string &name, const std::vector<uint64_t> &shape, uint32_t type,
                        const std::string &bytes, uint64_t offset) {
    infos += text(name) + raw(uint32_t(shape.size()));
    for (size_t i = shape.size(); i--;)
      infos += raw(shape[i]);
    infos += raw(type) + raw(offset);
    data += bytes;
    pad(data);
    ++tensorCount;
    return *this;
  }
  /// f32 values.
  GgufBuilder &floats(const std::string &name, const std::vector<uint64_t> &shape,
                      const std::vector<float> &values) {
    return tensor(name, shape, 0,
                  std::string(reinterpret_cast<const char *>(values.data()), 4 * values.size()));
  }

  std::string bytes() const {
    std::string file = "GGUF" + raw(version) + raw(tensorCount) + raw(pairCount) + pairs + infos;
    pad(file);
    return file + data;
  }

private:
  void pad(std::string &bytes) const {
    bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
  }
};

} // namespace mlora::test
