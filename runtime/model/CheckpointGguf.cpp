// A .gguf file seen as Hugging Face tensors: other names, and q and k rows in another rotary order.
#include "CheckpointBase.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <set>

namespace fs = std::filesystem;

namespace mlora {
namespace {

class CheckpointGguf : public CheckpointBase {
public:
  CheckpointGguf(const fs::path &path, GgufFile opened)
      : CheckpointBase(path, ModelConfig::fromGguf(opened)), file(std::move(opened)) {
    std::set<std::string> expected = {"rope_freqs.weight"};
    for (const ModelTensor &tensor : modelTensors(model)) {
      addTensor(tensor);
      expected.insert(ggufName(tensor.name));
    }
    for (const GgufTensor &tensor : file.tensors())
      if (!expected.count(tensor.name))
        badInput(path.string() + ": tensor '" + tensor.name + "' is unexpected: the metadata (" +
                 std::to_string(model.numLayers) + " layers of llama) implies no such tensor");
    indexNames();
  }

  std::vector<StoredFile> storedFiles() const override {
    std::map<const GgufTensor *, size_t> indices;
    for (size_t i = 0; i < places.size(); ++i)
      indices[places[i].tensor] = i;
    StoredFile result{location, {}, {}};
    for (const GgufTensor &tensor : file.tensors()) {
      auto index = indices.find(&tensor);
      bool known = index != indices.end(); // all but rope_freqs.weight
      result.tensors.push_back({{known ? infos[index->second].name : "", tensor.shape, tensor.type->name},
                                tensor.name,
                                location,
                                tensor.offset,
                                tensor.bytes,
                                known && places[index->second].rotary});
    }
    return {std::move(result)};
  }

protected:
  std::span<const uint8_t> storedBytes(size_t index) const override {
    return file.bytes(*places[index].tensor);
  }
  void releaseAll(size_t index) const override {
    file.release(*places[index].tensor, 0, places[index].tensor->rows());
  }

  void decodeRows(size_t index, int64_t firstRow, int64_t rows, float *out) const override {
    const Place &place = places[index];
    if (place.tensor->shape.size() == 1)
      return decodeVector(*place.tensor, firstRow, rows, out);
    if (!place.rotary) {
      file.readRows(*place.tensor, firstRow, rows, out);
      return file.release(*place.tensor, firstRow, rows);
    }
    int64_t columns = place.tensor->columns();
    for (int64_t i = 0; i < rows; ++i)
      file.readRows(*place.tensor, rotaryRow(firstRow + i), 1, out + i * columns);
    releaseHeads(*place.tensor, firstRow, rows);
  }

  bool copyBlocks(size_t index, int64_t firstRow, int64_t rows, std::span<uint8_t> out) const override {
    const Place &place = places[index];
    std::span<const uint8_t> stored = file.bytes(*place.tensor);
    size_t rowBytes = stored.size() / size_t(place.tensor->rows());
    if (out.size() != size_t(rows) * rowBytes)
      return false;
    for (int64_t i = 0; i < rows; ++i) {
      int64_t row = place.rotary ? rotaryRow(firstRow + i) : firstRow + i;
      std::copy_n(stored.begin() + row * int64_t(rowBytes), rowBytes, out.begin() + i * int64_t(rowBytes));
    }
    place.rotary ? releaseHeads(*place.tensor, firstRow, rows) : file.release(*place.tensor, firstRow, rows);
    return true;
  }

private:
  struct Place {
    const GgufTensor *tensor;
    bool rotary;
  };

  // HF's row (head, half t, j) is GGUF's (head, j, t): halves of a head's rotation instead of neighbours.
  int64_t rotaryRow(int64_t row) const {
    int64_t size = model.headDim, head = row / size, half = row % size / (size / 2), j = row % (size / 2);
    return head * size + 2 * j + half;
  }
  // The rows of a head lie mixed: whole heads are what was touched.
  void releaseHeads(const GgufTensor &tensor, int64_t firstRow, int64_t rows) const {
    int64_t size = model.headDim, first = firstRow / size * size,
            last = (firstRow + rows + size - 1) / size * size;
    file.release(tensor, first, last - first);
  }

  // A vector is one GGUF row, whose blocks cannot be cut; it is small.
  void decodeVector(const GgufTensor &tensor, int64_t first, int64_t count, float *out) const {
    std::vector<float> whole(static_cast<size_t>(tensor.columns()));
    file.readRows(tensor, 0, 1, whole.data());
    std::copy_n(whole.begin() + first, count, out);
  }

  void addTensor(const ModelTensor &tensor) {
    const GgufTensor *stored = file.findTensor(ggufName(tensor.name));
    if (!stored)
      missing(location.string(), ggufName(tensor.name));
    checkShape(location.string(), stored->name, stored->shape, tensor.shape);
    bool rotary = tensor.name.ends_with("q_proj.weight") || tensor.name.ends_with("k_proj.weight");
    infos.push_back({tensor.name, tensor.shape, stored->type->name});
    places.push_back({stored, rotary});
  }

  GgufFile file;
  std::vector<Place> places; ///< of infos
};

} // namespace

std::unique_ptr<Checkpoint> openGguf(const fs::path &path) {
  return std::make_unique<CheckpointGguf>(path, GgufFile(path));
}

} // namespace mlora
