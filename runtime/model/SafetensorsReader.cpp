#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <cstring>

using nlohmann::json;

namespace mlora {

uint64_t safetensorsElementSize(const std::string &dtype) {
  static const std::map<std::string, uint64_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};
  auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

int64_t SafetensorsEntry::elements() const {
  return static_cast<int64_t>((end - begin) / safetensorsElementSize(dtype));
}

namespace {

constexpr uint64_t maxHeader = 100'000'000;

uint64_t littleEndian64(const uint8_t *bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i)
    value = value << 8 | bytes[i];
  return value;
}

/// A list of numbers that are at least zero and fit an int64_t.
std::vector<int64_t> sizes(const JsonFields &fields, const char *key) {
  if (!fields.has(key) || !fields.raw()[key].is_array())
    fields.refuse(key, "a list of sizes is expected");
  std::vector<int64_t> values;
  for (const json &value : fields.raw()[key]) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX)
      fields.refuse(key, "a size is expected, found " + value.dump());
    values.push_back(value.get<int64_t>());
  }
  return values;
}

SafetensorsEntry parseEntry(const std::string &name, const json &value, const std::string &where) {
  JsonFields fields(value, where + ": tensor '" + name + "'");
  for (const auto &[key, ignored] : value.items())
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      fields.refuse(key.c_str(), "is unknown in a safetensors header");
  SafetensorsEntry entry;
  entry.name = name;
  entry.dtype = fields.string("dtype");
  entry.shape = sizes(fields, "shape");
  std::vector<int64_t> offsets = sizes(fields, "data_offsets");
  if (offsets.size() != 2 || offsets[1] < offsets[0])
    fields.refuse("data_offsets", "a begin and an end not before it are expected");
  entry.begin = static_cast<uint64_t>(offsets[0]);
  entry.end = static_cast<uint64_t>(offsets[1]);
  uint64_t bytes = safetensorsElementSize(entry.dtype);
  if (!bytes)
    fields.refuse("dtype", "'" + entry.dtype + "' is unknown");
  for (int64_t size : entry.shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
      fields.refuse("shape", shapeText(entry.shape) + " is larger than 64 bits can count");
  if (bytes != entry.end - entry.begin)
    fields.refuse("data_offsets", "cover " + std::to_string(entry.end - entry.begin) + " bytes, but " +
                                      entry.dtype + " " + shapeText(entry.shape) + " has " +
                                      std::to_string(bytes));
  return entry;
}

} // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path &path) : file(path) {
  parseHeader();
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry &a, const SafetensorsEntry &b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  checkTiling();
  for (size_t i = 0; i < entries.size(); ++i)
    byName[entries[i].name] = i;
}

void SafetensorsFile::parseHeader() {
  std::string where = path().string();
  if (file.size() < 8)
    badInput(where + ": is no safetensors file: it has " + std::to_string(file.size()) +
             " bytes, fewer than the 8 of the header's length");
  uint64_t length = littleEndian64(file.bytes().data());
  if (length > maxHeader)
    badInput(where + ": is no safetensors file: its header would have " + std::to_string(length) +
             " bytes; at most " + std::to_string(maxHeader) + " are allowed");
  if (length > file.size() - 8)
    badInput(where + ": truncated: the header needs " + std::to_string(length) + " bytes, " +
             std::to_string(file.size() - 8) + " are there: fetch or copy it again");
  std::string_view header(reinterpret_cast<const char *>(file.bytes().data()) + 8, length);
  if (header.empty() || header.front() != '{')
    badInput(where + ": is no safetensors file: the header does not begin with '{'");
  size_t last = header.find_last_not_of(' ');
  if (header[last] != '}')
    badInput(where + ": the header does not end with '}' and spaces");
  dataBegin = 8 + length;

  json root = parseJson(header.substr(0, last + 1), where + " (header)");
  for (const auto &[name, value] : root.items()) {
    if (name != "__metadata__") {
      entries.push_back(parseEntry(name, value, where));
      continue;
    }
    JsonFields fields(value, where + ": __metadata__");
    for (const auto &[key, ignored] : value.items())
      pairs[key] = fields.string(key.c_str());
  }
}

void SafetensorsFile::checkTiling() const {
  std::string where = path().string();
  uint64_t position = 0;
  for (const SafetensorsEntry &entry : entries) {
    if (entry.begin != position)
      badInput(where + ": tensor '" + entry.name + "' begins at " + std::to_string(entry.begin) +
               (entry.begin < position ? ", inside the one before, which ends at "
                                       : ", leaving a gap: the one before ends at ") +
               std::to_string(position));
    position = entry.end;
  }
  uint64_t available = file.size() - dataBegin;
  if (position > available)
    badInput(where + ": truncated: the tensors need " + std::to_string(position) + " bytes of data, " +
             std::to_string(available) + " are there: fetch or copy it again");
  if (position < available)
    badInput(where + ": " + std::to_string(available - position) +
             " bytes behind the last tensor belong to none");
}

const SafetensorsEntry *SafetensorsFile::find(const std::string &name) const {
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : &entries[found->second];
}

const SafetensorsEntry &SafetensorsFile::get(const std::string &name) const {
  if (const SafetensorsEntry *entry = find(name))
    return *entry;
  badInput(path().string() + ": tensor '" + name + "' is missing");
}

std::span<const uint8_t> SafetensorsFile::bytes(const SafetensorsEntry &entry) const {
  return file.bytes().subspan(dataBegin + entry.begin, entry.end - entry.begin);
}

void SafetensorsFile::readFloats(const SafetensorsEntry &entry, int64_t first, std::span<float> out) const {
  int64_t count = static_cast<int64_t>(out.size());
  if (first < 0 || first > entry.elements() - count)
    failed(path().string() + ": tensor '" + entry.name + "': elements beyond its end were asked for");
  if (!count)
    return;
  const uint8_t *source = bytes(entry).data() + first * safetensorsElementSize(entry.dtype);
  if (entry.dtype == "F32") {
    std::memcpy(out.data(), source, 4 * out.size());
  } else if (entry.dtype == "BF16") {
    bfloatsToFloats(source, count, out.data());
  } else if (entry.dtype == "F16") {
    halvesToFloats(source, count, out.data());
  } else if (entry.dtype == "F64") {
    for (int64_t i = 0; i < count; ++i) {
      double value;
      std::memcpy(&value, source + 8 * i, 8);
      out[i] = static_cast<float>(value);
    }
  } else {
    badInput(path().string() + ": tensor '" + entry.name + "' has dtype " + entry.dtype +
             "; F32, BF16, F16 or F64 is expected");
  }
}

std::vector<float> SafetensorsFile::floats(const std::string &name) const {
  const SafetensorsEntry &entry = get(name);
  std::vector<float> values(entry.elements());
  readFloats(entry, 0, values);
  return values;
}

template <typename T> static void widen(const uint8_t *source, std::vector<int64_t> &values) {
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, source + sizeof(T) * i, sizeof(T));
    values[i] = static_cast<int64_t>(value);
  }
}

std::vector<int64_t> SafetensorsFile::integers(const std::string &name) const {
  const SafetensorsEntry &entry = get(name);
  std::vector<int64_t> values(entry.elements());
  const uint8_t *source = bytes(entry).data();
  static const std::map<std::string, void (*)(const uint8_t *, std::vector<int64_t> &)> widths = {
      {"BOOL", widen<uint8_t>}, {"U8", widen<uint8_t>},   {"I8", widen<int8_t>},
      {"I16", widen<int16_t>},  {"U16", widen<uint16_t>}, {"I32", widen<int32_t>},
      {"U32", widen<uint32_t>}, {"I64", widen<int64_t>},  {"U64", widen<int64_t>}};
  auto width = widths.find(entry.dtype);
  if (width == widths.end())
    badInput(path().string() + ": tensor '" + name + "' has dtype " + entry.dtype +
             "; integers are expected");
  width->second(source, values);
  return values;
}

void SafetensorsFile::release(const SafetensorsEntry &entry, int64_t first, int64_t count) const {
  uint64_t size = safetensorsElementSize(entry.dtype);
  file.release(dataBegin + entry.begin + first * size, count * size);
}

} // namespace mlora
