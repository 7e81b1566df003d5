#include "mlora/Runtime/Adapter/AdapterSource.h"

#include "AdapterReaders.h"
#include "Folding.h"
#include "PeftModules.h"
#include "mlora/Runtime/Core/Blas.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <cmath>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// Whole small tensors, 16 pieces of 4 KiB of large ones: training changes nearly every element.
std::string sampledHash(const SafetensorsFile &file, const fs::path &config) {
  constexpr uint64_t pieces = 16, pieceBytes = 4096;
  Hasher hasher;
  hasher.update(readFile(config));
  for (const SafetensorsEntry &entry : file.tensors()) {
    hasher.update(entry.name).update(shapeText(entry.shape));
    std::span<const uint8_t> bytes = file.bytes(entry);
    if (bytes.size() <= pieces * pieceBytes)
      hasher.update(bytes.data(), bytes.size());
    else
      for (uint64_t i = 0; i < pieces; ++i)
        hasher.update(bytes.data() + (bytes.size() - pieceBytes) / (pieces - 1) * i, pieceBytes);
    file.release(entry, 0, entry.elements());
  }
  return hasher.hex();
}

/// Values of a tensor whose pages then go back to the system.
std::vector<float> readOnce(const SafetensorsFile &file, const SafetensorsEntry &entry) {
  std::vector<float> values(static_cast<size_t>(entry.elements()));
  file.readFloats(entry, 0, values);
  file.release(entry, 0, entry.elements());
  return values;
}

class NativeSource : public AdapterSource {
public:
  NativeSource(const fs::path &folder, const ModelConfig *config)
      : folder(folder), sizes(readNativeConfig(folder)), file(folder / nativeTensors) {
    place = folder.string();
    base = sizes.baseModel;
    baseHash = sizes.baseFingerprint;
    layers = sizes.numLayers;
    // Shapes without values are enough for the check.
    for (const SafetensorsEntry &entry : file.tensors()) {
      if (entry.dtype != "F32")
        badInput(file.path().string() + ": tensor '" + entry.name + "' has dtype " + entry.dtype +
                 "; F32 is expected");
      sizes.tensors[entry.name] = {entry.shape, {}};
    }
    if (config)
      checkAdapter(sizes, *config, file.path().string());
    else
      checkAdapter(sizes, file.path().string());
    sizes.tensors.clear();
  }

  int64_t rank(int64_t, const std::string &target) const override {
    bool adapted = std::find(sizes.targets.begin(), sizes.targets.end(), target) != sizes.targets.end();
    return adapted ? sizes.rank * sizes.numBranches : 0;
  }
  LowRank factors(int64_t layer, const std::string &target) const override {
    BranchTensor tensor = [&](int64_t branch, char part) {
      return readOnce(file, file.get(adapterTensorName(layer, target, branch, part)));
    };
    return {rank(layer, target), stackedA(sizes, tensor), foldedB(sizes, tensor)};
  }
  std::string fingerprint() const override { return sampledHash(file, folder / nativeConfig); }

private:
  fs::path folder;
  Adapter sizes; ///< without tensors
  SafetensorsFile file;
};

class PeftSource : public AdapterSource {
public:
  PeftSource(const fs::path &folder, const ModelConfig *config) : folder(folder), peft(folder, config) {
    place = folder.string();
    base = peft.baseModel();
    layers = peft.numLayers();
    for (const PeftModule &module : peft.modules())
      byPlace[{module.layer, module.target}] = &module;
  }

  int64_t rank(int64_t layer, const std::string &target) const override {
    auto module = byPlace.find({layer, target});
    return module == byPlace.end() ? 0 : module->second->rank;
  }
  LowRank factors(int64_t layer, const std::string &target) const override {
    const PeftModule &module = *byPlace.at({layer, target});
    LowRank result{module.rank, readOnce(peft.file(), *module.a), readOnce(peft.file(), *module.b)};
    if (module.scaling != 1)
      for (float &value : result.b)
        value = static_cast<float>(module.scaling * value);
    return result;
  }
  std::string fingerprint() const override { return sampledHash(peft.file(), folder / peftConfig); }

private:
  fs::path folder;
  PeftModules peft;
  std::map<std::pair<int64_t, std::string>, const PeftModule *> byPlace;
};

class MemorySource : public AdapterSource {
public:
  MemorySource(const Adapter &adapter, const ModelConfig &config) : adapter(adapter) {
    place = "the adapter";
    base = adapter.baseModel;
    baseHash = adapter.baseFingerprint;
    layers = config.numLayers;
    checkAdapter(adapter, config, place);
  }

  int64_t rank(int64_t, const std::string &target) const override {
    bool adapted = std::find(adapter.targets.begin(), adapter.targets.end(), target) != adapter.targets.end();
    return adapted ? adapter.rank * adapter.numBranches : 0;
  }
  LowRank factors(int64_t layer, const std::string &target) const override {
    return {rank(layer, target), stackedA(adapter, layer, target), foldedB(adapter, layer, target)};
  }
  std::string fingerprint() const override {
    Hasher hasher;
    hasher.update(std::to_string(adapter.scaling()));
    for (const auto &[name, tensor] : adapter.tensors)
      hasher.update(name).update(tensor.values.data(), 4 * tensor.values.size());
    return hasher.hex();
  }

private:
  const Adapter &adapter;
};

} // namespace

static std::unique_ptr<AdapterSource> openSource(const fs::path &folder, const ModelConfig *config) {
  checkAdapterFolder(folder);
  if (fs::exists(folder / nativeConfig))
    return std::make_unique<NativeSource>(folder, config);
  return std::make_unique<PeftSource>(folder, config);
}

std::unique_ptr<AdapterSource> AdapterSource::open(const fs::path &folder, const ModelConfig &config) {
  return openSource(folder, &config);
}

std::unique_ptr<AdapterSource> AdapterSource::open(const fs::path &folder) {
  return openSource(folder, nullptr);
}

std::unique_ptr<AdapterSource> AdapterSource::of(const Adapter &adapter, const ModelConfig &config) {
  return std::make_unique<MemorySource>(adapter, config);
}

// ‖B A‖² = trace((Bᵀ B)(A Aᵀ)): products of the rank's size, never one of the weight's.
double AdapterSource::updateNorm(int64_t layer, const std::string &target) const {
  LowRank update = factors(layer, target);
  int64_t rank = update.rank, in = int64_t(update.a.size()) / rank, out = int64_t(update.b.size()) / rank;
  std::vector<float> aa(size_t(rank) * size_t(rank)), bb(aa.size());
  sgemm(false, true, rank, rank, in, update.a.data(), in, update.a.data(), in, aa.data(), rank);
  sgemm(true, false, rank, rank, out, update.b.data(), rank, update.b.data(), rank, bb.data(), rank);
  double sum = 0;
  for (size_t i = 0; i < aa.size(); ++i)
    sum += double(aa[i]) * bb[i];
  return std::sqrt(std::max(0.0, sum));
}

int64_t AdapterSource::largestRank() const {
  int64_t largest = 0;
  for (int64_t layer = 0; layer < layers; ++layer)
    for (std::string_view target : projections)
      largest = std::max(largest, rank(layer, std::string(target)));
  return largest;
}

std::vector<std::string> AdapterSource::targets() const {
  std::vector<std::string> result;
  for (std::string_view target : projections)
    for (int64_t layer = 0; layer < layers; ++layer)
      if (rank(layer, std::string(target))) {
        result.emplace_back(target);
        break;
      }
  return result;
}

} // namespace mlora
