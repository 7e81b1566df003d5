#include "mlora/Runtime/Adapter/Merge.h"

#include "MergeEngine.h"
#include "TrainedModel.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"

#include <cmath>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// Of everything that decides the output's bytes.
std::string mergeKey(const std::string &base, const std::vector<std::string> &updates,
                     const MergeOptions &options, const MergePlan &plan) {
  Hasher hasher;
  hasher.update("merge 1").update(base);
  for (const std::string &update : updates)
    hasher.update(update);
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

/// What may have an update, in the order of the report.
constexpr const char *kinds[] = {
    "embed_tokens", "input_layernorm", "q_proj",    "k_proj", "v_proj", "o_proj", "post_attention_layernorm",
    "gate_proj",    "up_proj",         "down_proj", "norm",   "lm_head"};

void fillReport(MergeReport &report, const LayerSums &sums) {
  std::map<std::string, UpdateSums> overall;
  for (const auto &[place, each] : sums) {
    overall[place.second].add(each);
    report.layers.push_back(described(place.second, place.first, each));
  }
  for (const char *kind : kinds)
    if (auto found = overall.find(kind); found != overall.end())
      report.projections.push_back(described(found->first, -1, found->second));
}

/// `source`: a checkpoint that is read.
void checkOutput(const Checkpoint &source, const MergeOptions &options) {
  if (options.format == MergeFormat::Gguf)
    checkGgufOutput(options.output, source.path());
  else
    checkModelOutput(options.output, source.path());
}

void finish(const Checkpoint &base, const MergeOptions &options, const MergePlan &plan, MergeJournal &journal,
            const fs::path &target) {
  fs::path out = journal.out();
  if (options.format == MergeFormat::HuggingFace) {
    if (!plan.index.empty())
      writeFileAtomically(out / safetensorsIndex, plan.index);
    writeModelFiles(out, base, plan.configDtype, options.files);
  }
  journal.forget();
  if (options.format == MergeFormat::Gguf)
    renameFileIntoPlace(out / plan.files[0].name, target);
  else
    renameIntoPlace(out, target, ExistingFolder::Replace);
}

/// `updates`: fingerprints of what is merged.
MergeReport write(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                  const std::vector<std::string> &updates, const MergeOptions &options,
                  const MergePlan &plan) {
  MergeReport report;
  report.fingerprint = base.fingerprint();
  report.asHalves = plan.asHalves;
  uint64_t bytes = 0;
  for (const PlannedFile &file : plan.files)
    bytes += file.bytes;
  if (options.progress)
    options.progress(0, int64_t(bytes));
  makeFolders(options.output.parent_path());
  MergeJournal journal(options.output, mergeKey(report.fingerprint, updates, options, plan));
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
  finish(base, options, plan, journal, options.output);
  return report;
}

MergeOptions resolved(const MergeOptions &given) {
  if (given.blockValues < 1)
    failed("a merge needs blocks of at least one value");
  MergeOptions options = given;
  options.output = resolvedPath(given.output);
  return options;
}

} // namespace

MergeReport merge(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                  const MergeOptions &given) {
  if (adapters.empty())
    failed("a merge needs an adapter");
  MergeOptions options = resolved(given);
  MergePlan plan = planMerge(base, adapters, options);
  checkOutput(base, given);
  std::string fingerprint = base.fingerprint();
  std::vector<std::string> updates;
  for (const AdapterSource *adapter : adapters) {
    checkBase(adapter->baseFingerprint(), adapter->baseModel(), fingerprint, adapter->where());
    updates.push_back(adapter->fingerprint());
  }
  return write(base, adapters, updates, options, plan);
}

MergeReport merge(const Checkpoint &base, const Checkpoint &trained, const MergeOptions &given) {
  MergeOptions options = resolved(given);
  checkTrained(base, trained);
  MergePlan plan = planMerge(base, trained, options);
  checkOutput(base, given);
  checkOutput(trained, given);
  return write(base, {}, {"weights", trained.fingerprint()}, options, plan);
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
    if (projection.layer < 0) // of no layer: with the projections
      continue;
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
