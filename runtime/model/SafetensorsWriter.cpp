#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>

using nlohmann::ordered_json;

namespace mlora {

static uint64_t byteCount(const SafetensorsSpec &spec) {
  uint64_t bytes = safetensorsElementSize(spec.dtype);
  for (int64_t size : spec.shape)
    bytes *= static_cast<uint64_t>(size);
  return bytes;
}

// Larger elements first keeps every tensor aligned.
static bool before(const SafetensorsSpec &a, const SafetensorsSpec &b) {
  uint64_t sizeA = safetensorsElementSize(a.dtype), sizeB = safetensorsElementSize(b.dtype);
  return sizeA != sizeB ? sizeA > sizeB : a.name < b.name;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path &path, std::vector<SafetensorsSpec> tensors,
                                     const std::map<std::string, std::string> &metadata)
    : specs(std::move(tensors)), file(path) {
  std::sort(specs.begin(), specs.end(), before);
  ordered_json header = ordered_json::object();
  if (!metadata.empty())
    header["__metadata__"] = metadata;
  // push_back instead of []: a lookup in an ordered object walks all of it.
  auto &members = header.get_ref<ordered_json::object_t &>();
  uint64_t offset = 0;
  for (const SafetensorsSpec &spec : specs) {
    if (!safetensorsElementSize(spec.dtype))
      failed(path.string() + ": tensor '" + spec.name + "': dtype '" + spec.dtype + "' cannot be written");
    uint64_t end = offset + byteCount(spec);
    ordered_json entry;
    entry["dtype"] = spec.dtype;
    entry["shape"] = spec.shape;
    entry["data_offsets"] = {offset, end};
    members.push_back({spec.name, std::move(entry)});
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  unsigned char length[8];
  for (int i = 0; i < 8; ++i)
    length[i] = static_cast<unsigned char>(static_cast<uint64_t>(text.size()) >> (8 * i));
  file.write(length, 8);
  file.write(text);
  total = file.bytesWritten() + offset;
}

void SafetensorsWriter::commit() {
  if (file.bytesWritten() != total)
    failed(file.path().string() + ": " + std::to_string(file.bytesWritten()) + " bytes were written where " +
           std::to_string(total) + " were announced");
  file.commit();
}

void writeSafetensors(const std::filesystem::path &path, std::vector<SafetensorsValue> tensors,
                      const std::map<std::string, std::string> &metadata) {
  std::sort(tensors.begin(), tensors.end(), before);
  SafetensorsWriter writer(path, {tensors.begin(), tensors.end()}, metadata);
  for (const SafetensorsValue &tensor : tensors)
    writer.write(tensor.data, byteCount(tensor));
  writer.commit();
}

} // namespace mlora
