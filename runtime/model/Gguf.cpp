#include "mlora/Runtime/Model/Gguf.h"

#include "GgufParser.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

int64_t GgufTensor::rows() const {
  int64_t count = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i)
    count *= shape[i];
  return count;
}

GgufFile::GgufFile(const std::filesystem::path &path) : file(path) {
  GgufParser parser(file);
  parser.parse();
  pairs = std::move(parser.pairs);
  places = std::move(parser.rawPairs);
  list = std::move(parser.tensors);
  for (size_t i = 0; i < list.size(); ++i)
    byName[list[i].name] = i;
}

template <typename T> const T *GgufFile::typed(const std::string &key, const char *expected) const {
  auto found = pairs.find(key);
  if (found == pairs.end())
    return nullptr;
  if (const T *value = std::get_if<T>(&found->second))
    return value;
  badInput(path().string() + ": metadata key '" + key + "': " + expected + " is expected");
}

template <typename T> static std::optional<T> copied(const T *value) {
  return value ? std::optional<T>(*value) : std::nullopt;
}

std::optional<int64_t> GgufFile::integer(const std::string &key) const {
  return copied(typed<int64_t>(key, "an integer"));
}
std::optional<bool> GgufFile::boolean(const std::string &key) const {
  return copied(typed<bool>(key, "a bool"));
}
std::optional<std::string> GgufFile::string(const std::string &key) const {
  return copied(typed<std::string>(key, "a string"));
}
std::optional<double> GgufFile::number(const std::string &key) const {
  auto found = pairs.find(key);
  if (found != pairs.end() && std::holds_alternative<int64_t>(found->second))
    return static_cast<double>(std::get<int64_t>(found->second));
  return copied(typed<double>(key, "a number"));
}
const std::vector<int64_t> *GgufFile::integers(const std::string &key) const {
  return typed<std::vector<int64_t>>(key, "an array of integers");
}
const std::vector<double> *GgufFile::numbers(const std::string &key) const {
  return typed<std::vector<double>>(key, "an array of floats");
}
const std::vector<std::string> *GgufFile::strings(const std::string &key) const {
  return typed<std::vector<std::string>>(key, "an array of strings");
}

const GgufTensor *GgufFile::findTensor(const std::string &name) const {
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : &list[found->second];
}

std::span<const uint8_t> GgufFile::bytes(const GgufTensor &tensor) const {
  return file.bytes().subspan(tensor.offset, tensor.bytes);
}

void GgufFile::readRows(const GgufTensor &tensor, int64_t firstRow, int64_t rows, float *out) const {
  if (firstRow < 0 || rows < 0 || firstRow > tensor.rows() - rows)
    failed(path().string() + ": tensor '" + tensor.name + "': rows beyond its end were asked for");
  int64_t blocksPerRow = tensor.columns() / tensor.type->blockValues;
  const uint8_t *source = bytes(tensor).data() + firstRow * blocksPerRow * tensor.type->blockBytes;
  tensor.type->decode(source, rows * blocksPerRow, out);
}

void GgufFile::release(const GgufTensor &tensor, int64_t firstRow, int64_t rows) const {
  int64_t bytesPerRow = tensor.columns() / tensor.type->blockValues * tensor.type->blockBytes;
  file.release(tensor.offset + firstRow * bytesPerRow, rows * bytesPerRow);
}

} // namespace mlora
