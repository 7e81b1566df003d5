#include "mlora/Runtime/Adapter/Merge.h"

#include "Folding.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <cblas.h>
#include <cmath>

namespace mlora {
namespace {

/// Sums over the elements of one kind of projection.
struct Sums {
  double update = 0, lost = 0;
  int64_t changed = 0, elements = 0;
};

class Merger {
public:
  Merger(const Checkpoint &base, const Adapter &adapter, const MergeOptions &options)
      : base(base), adapter(adapter), options(options), bfloat(options.dtype == "bf16") {
    for (int64_t layer = 0; layer < adapter.numLayers; ++layer)
      for (const std::string &target : adapter.targets)
        adapted[projectionPath(layer, target) + ".weight"] = {layer, target};
  }

  MergeReport run() {
    std::vector<SafetensorsSpec> specs;
    uint64_t bytes = 0;
    for (const TensorInfo &info : base.tensors()) {
      specs.push_back({info.name, bfloat ? "BF16" : "F32", info.shape});
      int64_t count = info.shape[0] * columnsOf(info.shape);
      total += count;
      bytes += static_cast<uint64_t>(count) * (bfloat ? 2 : 4);
    }
    checkFreeSpace(options.output, bytes);
    if (options.progress)
      options.progress(0, total);
    AtomicFolder folder(options.output, ExistingFolder::Replace);
    SafetensorsWriter writer(folder.aside() / "model.safetensors", std::move(specs), mergedMetadata());
    for (const SafetensorsSpec &spec : writer.order())
      writeTensor(writer, spec);
    writer.commit();
    writeModelFiles(folder.aside(), base, bfloat ? "bfloat16" : "float32", options.files);
    folder.commit();
    return report();
  }

private:
  static int64_t columnsOf(const std::vector<int64_t> &shape) { return shape.size() == 2 ? shape[1] : 1; }

  void writeTensor(SafetensorsWriter &writer, const SafetensorsSpec &spec) {
    auto place = adapted.find(spec.name);
    bool hasUpdate = place != adapted.end();
    std::vector<float> a, b;
    if (hasUpdate) {
      a = stackedA(adapter, place->second.first, place->second.second);
      b = foldedB(adapter, place->second.first, place->second.second);
    }
    int64_t columns = columnsOf(spec.shape), width = adapter.rank * adapter.numBranches;
    int64_t block = std::max<int64_t>(1, options.blockValues / columns);
    for (int64_t row = 0; row < spec.shape[0]; row += block) {
      int64_t rows = std::min(block, spec.shape[0] - row);
      weight.resize(static_cast<size_t>(rows * columns));
      base.readRows(spec.name, row, rows, weight);
      if (hasUpdate) {
        update.resize(weight.size());
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(rows),
                    static_cast<int>(columns), static_cast<int>(width), 1, b.data() + row * width,
                    static_cast<int>(width), a.data(), static_cast<int>(columns), 0, update.data(),
                    static_cast<int>(columns));
        addUpdate(sums[place->second.second]);
      }
      store(writer);
      done += rows * columns;
      if (options.progress)
        options.progress(done, total);
    }
  }

  // weight becomes W + Δ, rounded as it will be stored.
  void addUpdate(Sums &sum) {
    for (size_t i = 0; i < weight.size(); ++i) {
      float before = rounded(weight[i]), after = rounded(weight[i] + update[i]);
      double delta = update[i], lost = double(after) - double(before) - delta;
      sum.update += delta * delta;
      sum.lost += lost * lost;
      sum.changed += after != before;
      weight[i] = after;
    }
    sum.elements += static_cast<int64_t>(weight.size());
  }

  float rounded(float value) const { return bfloat ? bfloatToFloat(floatToBfloat(value)) : value; }

  void store(SafetensorsWriter &writer) {
    if (!bfloat)
      return writer.write(weight.data(), 4 * weight.size());
    narrow.resize(weight.size());
    floatsToBfloats(weight.data(), static_cast<int64_t>(weight.size()), narrow.data());
    writer.write(narrow.data(), 2 * narrow.size());
  }

  MergeReport report() const {
    MergeReport result;
    for (const std::string &target : adapter.targets) {
      const Sums &sum = sums.at(target);
      double lost = sum.update > 0 ? std::sqrt(sum.lost / sum.update) : 0;
      result.projections.push_back({target, std::sqrt(sum.update), std::max(0.0, 1 - lost),
                                    static_cast<double>(sum.changed) / static_cast<double>(sum.elements)});
    }
    return result;
  }

  const Checkpoint &base;
  const Adapter &adapter;
  const MergeOptions &options;
  bool bfloat;
  std::map<std::string, std::pair<int64_t, std::string>> adapted; ///< by weight
  std::map<std::string, Sums> sums;                               ///< by projection
  std::vector<float> weight, update;
  std::vector<uint16_t> narrow;
  int64_t done = 0, total = 0;
};

} // namespace

MergeReport merge(const Checkpoint &base, const Adapter &adapter, const MergeOptions &options) {
  if (options.dtype != "f32" && options.dtype != "bf16")
    badInput("a merged checkpoint is stored as f32 or bf16; dtype '" + options.dtype + "' was asked for");
  checkModelOutput(options.output, base.path());
  checkAdapter(adapter, base.config(), "the adapter");
  std::string fingerprint = base.fingerprint();
  checkBase(adapter, fingerprint, "the adapter");
  MergeReport report = Merger(base, adapter, options).run();
  report.fingerprint = fingerprint;
  return report;
}

nlohmann::ordered_json MergeReport::toJson() const {
  nlohmann::ordered_json json;
  json["base_fingerprint"] = fingerprint;
  for (const MergedProjection &projection : projections)
    json["projections"][projection.name] = {{"update_norm", projection.updateNorm},
                                            {"survived", projection.survived},
                                            {"changed", projection.changed}};
  return json;
}

} // namespace mlora
