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
    // HF's row (head, half t, j) is GGUF's (head, j, t): halves of a head's rotation instead of neighbours.
    int64_t columns = place.tensor->columns(), size = model.headDim;
    for (int64_t i = 0; i < rows; ++i) {
      int64_t row = firstRow + i, head = row / size, half = row % size / (size / 2), j = row % (size / 2);
      file.readRows(*place.tensor, head * size + 2 * j + half, 1, out + i * columns);
    }
    // The rows of a head lie mixed: whole heads are what was touched.
    int64_t first = firstRow / size * size, last = (firstRow + rows + size - 1) / size * size;
    file.release(*place.tensor, first, last - first);
  }

private:
  struct Place {
    const GgufTensor *tensor;
    bool rotary;
  };

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
