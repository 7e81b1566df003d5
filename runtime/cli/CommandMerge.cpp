// `mlora-run merge`: base + adapters, or trained weights in the base's layout, into a dense Hugging Face
// folder or GGUF file.
#include "VerifyMerge.h"
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Tokenizer/GgufExport.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"
#include "mlora/Runtime/Train/Interrupt.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <unistd.h>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// Below this share of an update, rounding is worth a warning.
constexpr double enough = 0.9;

MergeOptions optionsOf(const Arguments &arguments, const Checkpoint &base) {
  const Config &config = arguments.config;
  MergeOptions options;
  options.output = config.outputDir;
  options.dtype = arguments.has("dtype") ? config.dtype : "";
  options.stochastic = config.rounding == "stochastic";
  options.seed = config.seed;
  options.threads = config.numThreads;
  bool gguf = config.format == "gguf" || (config.format.empty() && options.output.extension() == ".gguf");
  bool folder = fs::is_directory(base.path());
  options.format = gguf ? MergeFormat::Gguf : MergeFormat::HuggingFace;
  if (gguf && folder)
    options.tokenizer = ggufTokenizer(*Tokenizer::open(config.tokenizerPath()), base.config());
  // A GGUF file carries its tokenizer inside; a folder's files are copied by merge itself, but where another
  // one is named.
  if (!gguf && (!folder || arguments.has("tokenizer")))
    options.files = Tokenizer::open(config.tokenizerPath())->files();
  return options;
}

/// The share of the update that is there, by the measure that fits the rounding.
double share(const MergedProjection &projection, const MergeOptions &options) {
  return options.stochastic ? projection.inMean : projection.survived;
}

/// The adapters that are given, or the one folder of trained weights (method=ft).
std::vector<std::string> adaptersOf(const Config &config) {
  std::vector<std::string> paths = config.adapterPaths();
  auto whole = std::ranges::find_if(paths, [](const std::string &path) { return isWholeModel(path); });
  if (whole != paths.end() && paths.size() > 1)
    badInput(*whole + ": holds a whole model (method=ft), which is merged alone: give no second adapter");
  std::set<fs::path> seen;
  for (const std::string &path : paths)
    if (!seen.insert(resolvedPath(path)).second)
      badInput(path + ": is given twice, and its update would be added twice: give each adapter once");
  return paths;
}

MergeReport mergeAdapters(const Checkpoint &base, const std::vector<std::string> &paths,
                          const MergeOptions &options) {
  std::vector<std::unique_ptr<AdapterSource>> opened;
  std::vector<const AdapterSource *> adapters;
  for (const std::string &path : paths) {
    opened.push_back(AdapterSource::open(path, base.config()));
    adapters.push_back(opened.back().get());
  }
  return merge(base, adapters, options);
}

std::string layerText(const MergedProjection &projection) {
  return projection.layer < 0 ? "" : "layer " + std::to_string(projection.layer);
}

void printTable(const MergeReport &report, const MergeOptions &options) {
  const char *measure = options.stochastic ? "there in mean" : "survived rounding";
  std::printf("%-24s %12s %18s %16s   %s\n", "weight", "norm of ΔW", measure, "changed values",
              "least of any layer");
  for (const MergedProjection &projection : report.projections) {
    const MergedProjection *least = nullptr;
    for (const MergedProjection &layer : report.layers)
      if (layer.name == projection.name && (!least || share(layer, options) < share(*least, options)))
        least = &layer;
    std::string of = layerText(*least);
    std::printf("%-24s %12.4g %16.1f %% %14.1f %%   %.1f %%%s\n", projection.name.c_str(),
                projection.updateNorm, 100 * share(projection, options), 100 * projection.changed,
                100 * share(*least, options), of.empty() ? "" : (" (" + of + ")").c_str());
  }
}

void warn(const MergeReport &report, const MergeOptions &options) {
  const MergedProjection *least = nullptr;
  size_t below = 0;
  for (const MergedProjection &layer : report.layers) {
    below += share(layer, options) < enough;
    if (!least || share(layer, options) < share(*least, options))
      least = &layer;
  }
  if (!below)
    return;
  std::fprintf(
      stderr,
      "mlora-run: warning: rounding left less than 90 %% of the update in %zu of %zu weights (least: "
      "%.0f %% in %s%s): dtype=f32 keeps all of it, f16 more than bf16%s\n",
      below, report.layers.size(), 100 * share(*least, options), least->name.c_str(),
      least->layer < 0 ? "" : (" of " + layerText(*least)).c_str(),
      options.stochastic ? "" : ", rounding=stochastic keeps it in the mean");
}

} // namespace

int runMerge(Arguments &arguments) {
  const Config &config = arguments.config;
  std::vector<std::string> paths = adaptersOf(config);
  auto base = Checkpoint::open(config.model);
  std::vector<int32_t> tokens;
  if (config.verify)
    tokens = verificationTokens(arguments, base->config());
  std::unique_ptr<Checkpoint> trained =
      isWholeModel(paths.front()) ? Checkpoint::open(paths.front()) : nullptr;
  MergeOptions options = optionsOf(arguments, *base);
  bool terminal = isatty(STDERR_FILENO);
  // From the first progress on: until then nothing is written, and a signal may end the process as it is.
  std::optional<InterruptGuard> interrupt;
  int64_t tenth = 0;
  options.progress = [&](int64_t done, int64_t total) {
    if (!interrupt)
      interrupt.emplace();
    if (interrupt->asked())
      throw Error(Status::Interrupted,
                  "interrupted: " + config.outputDir + " is as it was; the same command goes on from here");
    double share = total ? double(done) / double(total) : 1;
    if (terminal)
      std::fprintf(stderr, "\rmerging %3.0f %%", 100 * share);
    else if (int64_t now = int64_t(10 * share); now > tenth && total >= int64_t(1) << 30)
      std::fprintf(stderr, "merging %lld %%\n", static_cast<long long>(10 * (tenth = now)));
  };
  MergeReport report = trained ? merge(*base, *trained, options) : mergeAdapters(*base, paths, options);
  if (terminal)
    std::fprintf(stderr, "\r             \r");
  if (report.resumedTensors)
    std::fprintf(stderr, "mlora-run: note: %lld tensors were taken over from a merge that was stopped\n",
                 static_cast<long long>(report.resumedTensors));
  std::string dtype = options.dtype.empty() ? "kept" : options.dtype;
  std::optional<Verification> verified;
  if (config.verify)
    verified = verifyMerge(arguments, tokens);
  if (config.json) {
    nlohmann::ordered_json json = report.toJson();
    json["output_dir"] = config.outputDir;
    json["dtype"] = dtype;
    if (verified)
      json["verified"] = verified->toJson();
    std::printf("%s\n", json.dump(2).c_str());
  } else {
    printTable(report, options);
    std::printf("merged into %s (dtype: %s)\n", config.outputDir.c_str(), dtype.c_str());
    if (!report.asHalves.empty())
      std::printf("%zu tensors are f16: Q8_0 cannot cut their rows\n", report.asHalves.size());
  }
  if (verified && !config.json)
    std::printf(
        "verified on %lld tokens: logits differ by at most %.2g of the largest, KL %.2g nats, the same best "
        "token at %.1f %%\n",
        static_cast<long long>(verified->tokens), verified->largest, verified->divergence,
        100 * verified->sameBest);
  warn(report, options);
  // Rounding moves logits; without any they stay.
  if (verified && dtype == "f32" && verified->largest > 1e-3)
    failed("the merged model's logits differ from those of base and adapters by " +
           std::to_string(verified->largest) + " of the largest, where at most 0.001 is expected of f32");
  return 0;
}

} // namespace mlora
