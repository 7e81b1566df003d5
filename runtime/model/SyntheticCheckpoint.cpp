#include "mlora/Runtime/Model/SyntheticCheckpoint.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <cstring>

namespace mlora {
namespace {

/// Values are copied out of one table of random ones, each piece from a place of its own: as fast as memory.
class Table {
public:
  Table(const std::string &dtype, uint64_t seed) : dtype(dtype) {
    uint64_t state = seed;
    for (int64_t i = 0; i < length; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      append((float(state >> 40) / float(1 << 23) - 1) * 0.034641f, bytes);
    }
    append(1, one);
  }

  /// `count` values of a tensor from `first` on.
  void fill(uint64_t key, bool ones, int64_t first, int64_t count, std::string &out) const {
    size_t size = one.size();
    out.resize(size_t(count) * size);
    for (int64_t done = 0; done < count;) {
      if (ones) {
        std::memcpy(out.data() + size_t(done) * size, one.data(), size);
        ++done;
        continue;
      }
      // Pieces begin at multiples of their length in the tensor, so that a value does not depend on `first`.
      int64_t at = first + done, within = at % piece, some = std::min(piece - within, count - done);
      uint64_t place = (key + uint64_t(at / piece)) * 0x9e3779b97f4a7c15u >> 40;
      std::memcpy(out.data() + size_t(done) * size,
                  bytes.data() + (place % uint64_t(length - piece) + uint64_t(within)) * size,
                  size_t(some) * size);
      done += some;
    }
  }

private:
  void append(float value, std::string &to) const {
    uint16_t half = dtype == "BF16" ? floatToBfloat(value) : floatToHalf(value);
    if (dtype == "F32")
      to.append(reinterpret_cast<const char *>(&value), 4);
    else
      to.append(reinterpret_cast<const char *>(&half), 2);
  }

  static constexpr int64_t length = (1 << 18) + 3, piece = 4096;
  std::string dtype, bytes, one;
};

int64_t elements(const ModelTensor &tensor) {
  int64_t count = 1;
  for (int64_t size : tensor.shape)
    count *= size;
  return count;
}

void writeShard(const std::filesystem::path &path, const std::vector<ModelTensor> &tensors,
                const Table &table, const SyntheticOptions &options) {
  std::vector<SafetensorsSpec> specs;
  for (const ModelTensor &tensor : tensors)
    specs.push_back({tensor.name, options.dtype, tensor.shape});
  SafetensorsWriter writer(path, std::move(specs));
  std::string buffer;
  for (const SafetensorsSpec &spec : writer.order()) {
    int64_t count = elements({spec.name, spec.shape});
    constexpr int64_t some = 1 << 20;
    for (int64_t done = 0; done < count; done += some) {
      table.fill(hash64(spec.name, options.seed), spec.shape.size() == 1, done, std::min(some, count - done),
                 buffer);
      writer.write(buffer.data(), buffer.size());
    }
  }
  writer.commit();
}

std::string shardName(size_t index, size_t count) {
  if (count == 1)
    return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name;
}

} // namespace

void writeSyntheticCheckpoint(const std::string &configText, const std::filesystem::path &folder,
                              const SyntheticOptions &options) {
  if (options.dtype != "BF16" && options.dtype != "F16" && options.dtype != "F32")
    badInput("a synthetic checkpoint is BF16, F16 or F32, not " + options.dtype);
  ModelConfig config = ModelConfig::fromJson(configText, "the configuration");
  std::vector<ModelTensor> tensors = modelTensors(config);
  if (options.shards < 1 || options.shards > int64_t(tensors.size()))
    badInput("1 to " + std::to_string(tensors.size()) + " shards are possible, got " +
             std::to_string(options.shards));
  int64_t total = 0, begun = 0;
  for (const ModelTensor &tensor : tensors)
    total += elements(tensor);
  uint64_t size = safetensorsElementSize(options.dtype);
  checkFreeSpace(folder, uint64_t(total) * size);

  AtomicFolder aside(folder);
  Table table(options.dtype, options.seed);
  size_t count = size_t(options.shards), next = 0;
  nlohmann::ordered_json index;
  index["metadata"]["total_size"] = uint64_t(total) * size;
  for (size_t shard = 0; shard < count; ++shard) {
    // So many that the rest still has one tensor a file.
    std::vector<ModelTensor> part;
    int64_t end = total / int64_t(count) * int64_t(shard + 1);
    while (next < tensors.size() - (count - 1 - shard) &&
           (part.empty() || shard + 1 == count || begun + elements(tensors[next]) / 2 <= end)) {
      begun += elements(tensors[next]);
      part.push_back(tensors[next++]);
    }
    std::string name = shardName(shard, count);
    for (const ModelTensor &tensor : part)
      index["weight_map"][tensor.name] = name;
    writeShard(aside.aside() / name, part, table, options);
  }
  nlohmann::json written = parseJson(configText, "the configuration");
  written[written.contains("dtype") ? "dtype" : "torch_dtype"] = options.dtype == "BF16"  ? "bfloat16"
                                                                 : options.dtype == "F16" ? "float16"
                                                                                          : "float32";
  writeFileAtomically(aside.aside() / "config.json", written.dump(2) + "\n");
  if (count > 1)
    writeFileAtomically(aside.aside() / "model.safetensors.index.json", index.dump(2) + "\n");
  aside.commit();
}

} // namespace mlora
