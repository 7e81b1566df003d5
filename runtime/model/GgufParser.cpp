#include "GgufParser.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Visible.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>

namespace mlora {
namespace {

constexpr uint64_t maxLength = uint64_t(1) << 30; // of a string or an array
constexpr size_t maxName = 63;                    // of a tensor
constexpr uint32_t maxDimensions = 4;

// Metadata types as the file numbers them.
enum : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };

uint64_t scalarSize(uint32_t type) {
  static constexpr uint64_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return sizes[type];
}

} // namespace

void GgufParser::parse() {
  parseHeader();
  for (uint64_t i = 0; i < pairCount; ++i)
    parsePair();
  for (uint64_t i = 0; i < tensorCount; ++i)
    parseTensor();
  placeTensors();
}

const uint8_t *GgufParser::take(uint64_t size, const char *what) {
  if (size > file.size() - position)
    badInput(where + ": truncated: " + what + " needs " + std::to_string(size) + " bytes at offset " +
             std::to_string(position) + ", the file has " + std::to_string(file.size()));
  const uint8_t *bytes = file.bytes().data() + position;
  position += size;
  return bytes;
}

template <typename T> T GgufParser::number(const char *what) {
  T value;
  std::memcpy(&value, take(sizeof(T), what), sizeof(T));
  return value;
}

std::string GgufParser::string(const char *what) {
  uint64_t length = number<uint64_t>(what);
  if (length > maxLength)
    badInput(where + ": " + what + " would have " + std::to_string(length) +
             " bytes; at most 2^30 are allowed");
  return std::string(reinterpret_cast<const char *>(take(length, what)), length);
}

int64_t GgufParser::unsigned64(const std::string &key) {
  uint64_t value = number<uint64_t>("a metadata value");
  if (value > INT64_MAX)
    badInput(where + ": metadata key '" + key + "': " + std::to_string(value) + " is larger than 2^63 - 1");
  return static_cast<int64_t>(value);
}

/// Names are quoted in messages: one that a NUL would cut, or that acts on a terminal, is no name.
void GgufParser::checkPrintable(const std::string &name, const char *what) const {
  if (visible(name) != name)
    badInput(where + ": " + what + ", '" + visible(name) +
             "', holds control characters; is the file damaged?");
}

void GgufParser::parseHeader() {
  if (file.size() < 4 || std::memcmp(file.bytes().data(), "GGUF", 4) != 0)
    badInput(where + ": is no GGUF file: it does not begin with \"GGUF\"");
  position = 4;
  uint32_t version = number<uint32_t>("the version");
  if (version != 2 && version != 3)
    badInput(where + ": GGUF version " + std::to_string(version) + " is not read; 3 is expected" +
             (version && !(version & 0xffff) ? " (the file seems to be big-endian)" : ""));
  tensorCount = number<uint64_t>("the number of tensors");
  pairCount = number<uint64_t>("the number of metadata pairs");
}

void GgufParser::parsePair() {
  uint64_t begin = position;
  std::string key = string("a metadata key");
  if (key.empty() || key.size() > 65535)
    badInput(where + ": a metadata key has " + std::to_string(key.size()) + " bytes; 1 to 65535 are allowed");
  checkPrintable(key, "a metadata key");
  uint32_t type = number<uint32_t>("a metadata type");
  GgufValue parsed = value(type, key);
  if (!pairs.emplace(key, std::move(parsed)).second)
    badInput(where + ": metadata key '" + key + "' is there twice");
  rawPairs.push_back({key, begin, position - begin});
}

GgufValue GgufParser::value(uint32_t type, const std::string &key) {
  const char *what = "a metadata value";
  switch (type) {
  case U8:
    return int64_t(number<uint8_t>(what));
  case I8:
    return int64_t(number<int8_t>(what));
  case U16:
    return int64_t(number<uint16_t>(what));
  case I16:
    return int64_t(number<int16_t>(what));
  case U32:
    return int64_t(number<uint32_t>(what));
  case I32:
    return int64_t(number<int32_t>(what));
  case U64:
    return unsigned64(key);
  case I64:
    return number<int64_t>(what);
  case F32:
    return double(number<float>(what));
  case F64:
    return number<double>(what);
  case String:
    return string(what);
  case Array:
    return array(key);
  case Bool: {
    uint8_t byte = number<uint8_t>(what);
    if (byte > 1)
      badInput(where + ": metadata key '" + key + "': a bool is 0 or 1, found " + std::to_string(byte));
    return byte == 1;
  }
  }
  badInput(where + ": metadata key '" + key + "' has the unknown type " + std::to_string(type));
}

// `smallest` bytes of each element must be left in the file before memory is taken for them.
template <typename T, typename Read>
std::vector<T> GgufParser::elements(uint64_t count, uint64_t smallest, Read read) {
  if (count > (file.size() - position) / smallest)
    badInput(where + ": truncated: an array of " + std::to_string(count) + " elements begins at offset " +
             std::to_string(position) + ", the file has " + std::to_string(file.size()) + " bytes");
  std::vector<T> values(count);
  for (uint64_t i = 0; i < count; ++i)
    values[i] = read();
  return values;
}

GgufValue GgufParser::array(const std::string &key) {
  uint32_t type = number<uint32_t>("an array's type");
  uint64_t count = number<uint64_t>("an array's length");
  if (type > F64 || type == Array)
    badInput(where + ": metadata key '" + key + "' is an array of " +
             (type == Array ? "arrays" : "the unknown type " + std::to_string(type)) + "; that is not read");
  if (count > maxLength)
    badInput(where + ": metadata key '" + key + "' would have " + std::to_string(count) +
             " elements; at most 2^30 are allowed");
  uint64_t smallest = scalarSize(type);
  if (type == String)
    return elements<std::string>(count, smallest, [&] { return string("a string of an array"); });
  auto element = [&] { return value(type, key); };
  if (type == Bool)
    return elements<bool>(count, smallest, [&] { return std::get<bool>(element()); });
  if (type == F32 || type == F64)
    return elements<double>(count, smallest, [&] { return std::get<double>(element()); });
  return elements<int64_t>(count, smallest, [&] { return std::get<int64_t>(element()); });
}

void GgufParser::parseTensor() {
  GgufTensor tensor;
  tensor.name = string("a tensor's name");
  checkPrintable(tensor.name, "a tensor's name");
  if (tensor.name.size() > maxName)
    badInput(where + ": a tensor's name has " + std::to_string(tensor.name.size()) +
             " bytes; fewer than 64 are allowed");
  std::string what = where + ": tensor '" + tensor.name + "'";
  if (!names.insert(tensor.name).second)
    badInput(what + " is there twice");
  uint32_t dimensions = number<uint32_t>("a tensor's rank");
  if (dimensions > maxDimensions)
    badInput(what + " has " + std::to_string(dimensions) + " dimensions; at most 4 are allowed");
  uint64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    uint64_t size = number<uint64_t>("a tensor's shape");
    // The product is kept so far below 2^64 that bytes per block cannot overflow it either.
    if (size > INT64_MAX || __builtin_mul_overflow(elements, size, &elements) || elements > INT64_MAX / 256)
      badInput(what + " is larger than 64 bits can count");
    tensor.shape.push_back(static_cast<int64_t>(size));
  }
  std::reverse(tensor.shape.begin(), tensor.shape.end());
  uint32_t type = number<uint32_t>("a tensor's type");
  offsets.push_back(number<uint64_t>("a tensor's offset"));
  tensor.type = findGgufType(type);
  if (!tensor.type)
    badInput(what + " is stored as " + ggufTypeName(type) +
             ", which is not read: convert the file to F16, BF16, Q8_0, Q4_K or another classic type");
  if (tensor.columns() % tensor.type->blockValues)
    badInput(what + ": its rows of " + std::to_string(tensor.columns()) + " are no multiple of the " +
             std::to_string(tensor.type->blockValues) + " values in a block of " + tensor.type->name);
  tensor.bytes = elements / tensor.type->blockValues * tensor.type->blockBytes;
  tensors.push_back(std::move(tensor));
}

void GgufParser::placeTensors() {
  uint64_t alignment = 32;
  if (auto given = pairs.find("general.alignment"); given != pairs.end()) {
    const int64_t *number = std::get_if<int64_t>(&given->second);
    if (!number || *number < 1 || *number > (1 << 30) || !std::has_single_bit(uint64_t(*number)))
      badInput(where + ": metadata key 'general.alignment': a power of two is expected");
    alignment = static_cast<uint64_t>(*number);
  }
  auto padded = [&](uint64_t size) { return (size + alignment - 1) / alignment * alignment; };
  uint64_t begin = padded(position), next = 0, end = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    GgufTensor &tensor = tensors[i];
    if (offsets[i] != next)
      badInput(where + ": tensor '" + tensor.name + "' is at offset " + std::to_string(offsets[i]) +
               " of the data; " + std::to_string(next) + " is expected, where the one before ends");
    tensor.offset = begin + next;
    // A sum of sizes that wraps around would have failed here for an earlier tensor.
    end = tensor.offset + tensor.bytes;
    if (end > file.size() || tensor.bytes > file.size())
      badInput(where + ": truncated: tensor '" + tensor.name + "' ends at byte " + std::to_string(end) +
               ", the file has " + std::to_string(file.size()));
    next = padded(next + tensor.bytes);
  }
  // Writers pad the last tensor as well; some older ones do not.
  if (!tensors.empty() && file.size() > begin + next)
    badInput(where + ": " + std::to_string(file.size() - begin - next) +
             " bytes behind the last tensor belong to none");
}

bool beginsLikeGguf(const std::filesystem::path &path) {
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF";
}

} // namespace mlora
