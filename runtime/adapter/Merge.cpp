#include "mlora/Runtime/Adapter/Merge.h"

#include "MergeEngine.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <cmath>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// Of everything that decides the output's bytes.
std::string mergeKey(const std::string &base, const std::vector<const AdapterSource *> &adapters,
                     const MergeOptions &options, const MergePlan &plan) {
  Hasher hasher;
  hasher.update("merge 1").update(base);
  for (const AdapterSource *adapter : adapters)
    hasher.update(adapter->fingerprint());
  for (const PlannedFile &file : plan.files)
    hasher.update(file.name).update(file.head);
  hasher.update(options.stochastic ? "stochastic " + std::to_string(options.seed) : "nearest");
  return hasher.hex();
}

/// Bytes that a journal's folder holds on the disk already.
uint64_t occupied(const fs::path &folder) {
  uint64_t bytes = 0;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    struct stat status {};
    if (stat(entry->path().c_str(), &status) == 0)
      bytes += uint64_t(status.st_blocks) * 512;
  }
  return bytes;
}

MergedProjection described(const std::string &name, int64_t layer, const UpdateSums &sums) {
  MergedProjection result;
  result.name = name;
  result.layer = layer;
  result.updateNorm = std::sqrt(sums.update);
  if (sums.update > 0) {
    result.survived = std::max(0.0, 1 - std::sqrt(sums.lost / sums.update));
    result.inMean = sums.along / sums.update;
  }
  result.changed = sums.elements ? double(sums.changed) / double(sums.elements) : 0;
  return result;
}

void fillReport(MergeReport &report, const LayerSums &sums) {
  std::map<std::string, UpdateSums> overall;
  for (const auto &[place, each] : sums) {
    overall[place.second].add(each);
    report.layers.push_back(described(place.second, place.first, each));
  }
  for (std::string_view projection : projections)
    if (auto found = overall.find(std::string(projection)); found != overall.end())
      report.projections.push_back(described(found->first, -1, found->second));
}

void checkOutput(const Checkpoint &base, const MergeOptions &options) {
  if (options.format == MergeFormat::Gguf)
    checkGgufOutput(options.output, base.path());
  else
    checkModelOutput(options.output, base.path());
}

void finish(const Checkpoint &base, const MergeOptions &options, const MergePlan &plan, const fs::path &out,
            const fs::path &target) {
  if (options.format == MergeFormat::Gguf)
    return renameFileIntoPlace(out / plan.files[0].name, target);
  if (!plan.index.empty())
    writeFileAtomically(out / safetensorsIndex, plan.index);
  writeModelFiles(out, base, plan.configDtype, options.files);
  renameIntoPlace(out, target, ExistingFolder::Replace);
}

} // namespace

MergeReport merge(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                  const MergeOptions &given) {
  MergeOptions options = given;
  if (options.blockValues < 1 || adapters.empty())
    failed("a merge needs an adapter and blocks of at least one value");
  options.output = resolvedPath(given.output);
  MergePlan plan = planMerge(base, adapters, options);
  checkOutput(base, given);
  MergeReport report;
  report.fingerprint = base.fingerprint();
  report.asHalves = plan.asHalves;
  for (const AdapterSource *adapter : adapters)
    checkBase(adapter->baseFingerprint(), adapter->baseModel(), report.fingerprint, adapter->where());

  uint64_t bytes = 0;
  for (const PlannedFile &file : plan.files)
    bytes += file.bytes;
  if (options.progress)
    options.progress(0, int64_t(bytes));
  makeFolders(options.output.parent_path());
  MergeJournal journal(options.output, mergeKey(report.fingerprint, adapters, options, plan));
  uint64_t there = occupied(journal.out());
  checkFreeSpace(options.output, bytes > there ? bytes - there : 0);
  report.resumedTensors = int64_t(journal.done().size());
  try {
    fillReport(report, runMerge(base, adapters, options, plan, journal));
  } catch (const Error &error) {
    if (error.status == Status::Interrupted)
      journal.keep();
    throw;
  }
  finish(base, options, plan, journal.out(), options.output);
  return report;
}

MergeReport merge(const Checkpoint &base, const Adapter &adapter, const MergeOptions &options) {
  auto source = AdapterSource::of(adapter, base.config());
  return merge(base, {source.get()}, options);
}

nlohmann::ordered_json MergeReport::toJson() const {
  nlohmann::ordered_json json;
  json["base_fingerprint"] = fingerprint;
  auto values = [](const MergedProjection &projection) {
    return nlohmann::ordered_json{{"update_norm", projection.updateNorm},
                                  {"survived", projection.survived},
                                  {"in_mean", projection.inMean},
                                  {"changed", projection.changed}};
  };
  json["projections"] = nlohmann::ordered_json::object();
  for (const MergedProjection &projection : projections)
    json["projections"][projection.name] = values(projection);
  json["layers"] = nlohmann::ordered_json::array();
  for (const MergedProjection &projection : layers) {
    size_t layer = size_t(projection.layer);
    while (json["layers"].size() <= layer)
      json["layers"].push_back(nlohmann::ordered_json::object());
    json["layers"][layer][projection.name] = values(projection);
  }
  json["resumed_tensors"] = resumedTensors;
  if (!asHalves.empty())
    json["stored_as_f16"] = asHalves;
  return json;
}

} // namespace mlora
