#include "mlora/Runtime/Model/Checkpoint.h"

#include "CheckpointBase.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/GgufTypes.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <cstring>

namespace fs = std::filesystem;

namespace mlora {

std::unique_ptr<Checkpoint> Checkpoint::open(const fs::path &path) {
  if (!fs::exists(path))
    badInput(path.string() + ": does not exist; a Hugging Face folder or a .gguf file is expected");
  return fs::is_directory(path) ? openHuggingFace(path) : openGguf(path);
}

void Checkpoint::readBlocks(const std::string &name, int64_t, int64_t, std::span<uint8_t>) const {
  failed("'" + name + "' of " + path().string() + " is not stored in blocks");
}

void CheckpointBase::indexNames() {
  for (size_t i = 0; i < infos.size(); ++i)
    byName[infos[i].name] = i;
}

size_t CheckpointBase::indexOf(const std::string &name) const {
  auto found = byName.find(name);
  if (found == byName.end())
    badInput(location.string() + ": there is no tensor '" + name + "'");
  return found->second;
}

void CheckpointBase::missing(const std::string &file, const std::string &tensor) const {
  badInput(file + ": tensor '" + tensor + "' is missing, which the configuration (" +
           std::to_string(model.numLayers) + " layers, " + (model.tiedHead ? "tied" : "untied") +
           " head) needs; is the download whole?");
}

static int64_t columnsOf(const TensorInfo &info) { return info.shape.size() == 2 ? info.shape[1] : 1; }

void CheckpointBase::readRows(const std::string &name, int64_t firstRow, int64_t rows,
                              std::span<float> out) const {
  size_t index = indexOf(name);
  const TensorInfo &info = infos[index];
  int64_t columns = columnsOf(info);
  if (firstRow < 0 || rows < 0 || firstRow > info.shape[0] - rows ||
      static_cast<int64_t>(out.size()) != rows * columns)
    failed("rows " + std::to_string(firstRow) + " to " + std::to_string(firstRow + rows) + " of '" + name +
           "' " + shapeText(info.shape) + " were asked for into " + std::to_string(out.size()) + " values");
  decodeRows(index, firstRow, rows, out.data());
}

void CheckpointBase::readBlocks(const std::string &name, int64_t firstRow, int64_t rows,
                                std::span<uint8_t> out) const {
  size_t index = indexOf(name);
  const TensorInfo &info = infos[index];
  bool isInside =
      info.shape.size() == 2 && firstRow >= 0 && rows >= 0 && firstRow <= info.shape[0] - rows;
  if (!isInside || !copyBlocks(index, firstRow, rows, out))
    failed("rows " + std::to_string(firstRow) + " to " + std::to_string(firstRow + rows) + " of '" + name +
           "' " + shapeText(info.shape) + " are not stored as " + std::to_string(out.size()) +
           " bytes of blocks");
}

void CheckpointBase::read(const std::string &name, std::span<float> out) const {
  const TensorInfo &info = infos[indexOf(name)];
  int64_t columns = columnsOf(info), total = info.shape[0];
  if (static_cast<int64_t>(out.size()) != total * columns)
    failed("'" + name + "' " + shapeText(info.shape) + " was to be read into " + std::to_string(out.size()) +
           " values");
  // In pieces, so that never more than one of them is resident twice.
  int64_t piece = std::max<int64_t>(1, (int64_t(1) << 20) / columns);
  for (int64_t row = 0; row < total; row += piece) {
    int64_t rows = std::min(piece, total - row);
    readRows(name, row, rows, out.subspan(row * columns, rows * columns));
  }
}

std::string CheckpointBase::fingerprint() const {
  // Whole small tensors, 16 pieces of 1 KiB spread over large ones: a fine-tuning changes nearly every
  // element.
  constexpr uint64_t pieces = 16, pieceBytes = 1024;
  Hasher hasher;
  for (size_t index = 0; index < infos.size(); ++index) {
    hasher.update(infos[index].name).update(infos[index].dtype).update(shapeText(infos[index].shape));
    std::span<const uint8_t> bytes = storedBytes(index);
    hasher.update(static_cast<uint64_t>(bytes.size()));
    if (bytes.size() <= pieces * pieceBytes) {
      hasher.update(bytes.data(), bytes.size());
    } else {
      for (uint64_t i = 0; i < pieces; ++i)
        hasher.update(bytes.data() + (bytes.size() - pieceBytes) / (pieces - 1) * i, pieceBytes);
    }
    releaseAll(index);
  }
  return hasher.hex();
}

void decodeStored(const std::string &dtype, const uint8_t *bytes, int64_t count, float *out) {
  if (dtype == "F64") {
    for (int64_t i = 0; i < count; ++i) {
      double value;
      std::memcpy(&value, bytes + 8 * i, 8);
      out[i] = static_cast<float>(value);
    }
    return;
  }
  const GgufType *type = findGgufType(dtype);
  if (!type || count % type->blockValues)
    failed(std::to_string(count) + " values of dtype " + dtype + " cannot be decoded");
  type->decode(bytes, count / type->blockValues, out);
}

uint64_t storedSize(const std::string &dtype, int64_t count) {
  if (uint64_t size = safetensorsElementSize(dtype))
    return size * static_cast<uint64_t>(count);
  const GgufType *type = findGgufType(dtype);
  if (!type || count % type->blockValues)
    failed(std::to_string(count) + " values cannot be stored as " + dtype);
  return static_cast<uint64_t>(count / type->blockValues * type->blockBytes);
}

void checkShape(const std::string &file, const std::string &tensor, const std::vector<int64_t> &found,
                const std::vector<int64_t> &expected) {
  if (found != expected)
    badInput(file + ": tensor '" + tensor + "' is " + shapeText(found) + "; the configuration implies " +
             shapeText(expected));
}

std::vector<StoredFile> Checkpoint::storedFiles() const {
  failed(path().string() + ": these weights are in no file");
}

} // namespace mlora
