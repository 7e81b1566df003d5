// Weights out of a configuration alone, for measurements: no file of gigabytes has to be there or be read.
#include "CheckpointBase.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>

namespace mlora {
namespace {

/// Rows are copied out of one table of random values, each from a place of its own: as fast as memory, so
/// that 8 billion weights are there in seconds. Vectors (norms) are ones.
class CheckpointRandom : public CheckpointBase {
public:
  explicit CheckpointRandom(const std::filesystem::path &path)
      : CheckpointBase(path, ModelConfig::read(path)), table(tableElements) {
    uint64_t state = 1;
    for (float &value : table) { // uniform, of deviation 0.02
      state = state * 6364136223846793005u + 1442695040888963407u;
      value = (float(state >> 40) / float(1 << 23) - 1) * 0.034641f;
    }
    for (const ModelTensor &tensor : modelTensors(model))
      infos.push_back({tensor.name, tensor.shape, "F32"});
    indexNames();
  }

  std::string fingerprint() const override { return hashHex("random " + location.filename().string()); }

protected:
  std::span<const uint8_t> storedBytes(size_t) const override {
    return {reinterpret_cast<const uint8_t *>(table.data()), table.size() * sizeof(float)};
  }

  void decodeRows(size_t index, int64_t firstRow, int64_t rows, float *out) const override {
    const std::vector<int64_t> &shape = infos[index].shape;
    if (shape.size() == 1) {
      std::fill_n(out, rows, 1.0f);
      return;
    }
    for (int64_t row = firstRow; row < firstRow + rows; ++row, out += shape[1]) {
      uint64_t place = (uint64_t(index) << 32 | uint64_t(row)) * 0x9e3779b97f4a7c15u >> 20;
      for (int64_t done = 0; done < shape[1]; place = 0) {
        int64_t first = int64_t(place % uint64_t(tableElements));
        int64_t some = std::min(shape[1] - done, tableElements - first);
        std::copy_n(table.data() + first, some, out + done);
        done += some;
      }
    }
  }

  void releaseAll(size_t) const override {}

private:
  static constexpr int64_t tableElements = (1 << 18) + 3; // odd: rows of a power of two differ
  std::vector<float> table;
};

} // namespace

std::unique_ptr<Checkpoint> Checkpoint::random(const std::filesystem::path &path) {
  if (!std::filesystem::exists(path))
    badInput(path.string() +
             ": does not exist; a config.json, a folder that holds one, or a .gguf file is expected");
  return std::make_unique<CheckpointRandom>(path);
}

} // namespace mlora
