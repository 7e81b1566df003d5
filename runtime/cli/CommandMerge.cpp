// `mlora-run merge`: base + adapter into a dense Hugging Face folder.
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"
#include "mlora/Runtime/Train/Interrupt.h"

#include <cstdio>
#include <optional>
#include <unistd.h>

namespace mlora {

int runMerge(Arguments &arguments) {
  const Config &config = arguments.config;
  if (config.adapter.empty())
    badInput("merge needs adapter=FOLDER, as `mlora-run train` wrote it");
  auto base = Checkpoint::open(config.model);
  Adapter adapter = readAdapter(config.adapter, base->config());

  MergeOptions options;
  options.output = config.outputDir;
  options.dtype = arguments.has("dtype") ? config.dtype : base->config().dtype == "bfloat16" ? "bf16" : "f32";
  // A GGUF file carries its tokenizer inside; a folder's files are copied by merge itself.
  if (!std::filesystem::is_directory(base->path()))
    options.files = Tokenizer::open(config.tokenizerPath())->files();
  bool terminal = isatty(STDERR_FILENO);
  // From the first progress on: until then nothing is written, and a signal may end the process as it is.
  std::optional<InterruptGuard> interrupt;
  options.progress = [&](int64_t done, int64_t total) {
    if (!interrupt)
      interrupt.emplace();
    if (interrupt->asked())
      throw Error(Status::Interrupted, "interrupted: " + config.outputDir + " is as it was");
    if (terminal)
      std::fprintf(stderr, "\rmerging %3.0f %%", 100.0 * double(done) / double(total));
  };
  MergeReport report = merge(*base, adapter, options);
  if (terminal)
    std::fprintf(stderr, "\r");

  if (config.json) {
    nlohmann::ordered_json json = report.toJson();
    json["output_dir"] = config.outputDir;
    json["dtype"] = options.dtype;
    std::printf("%s\n", json.dump(2).c_str());
    return 0;
  }
  std::printf("%-12s %12s %18s %16s\n", "projection", "norm of ΔW", "survived rounding", "changed values");
  double least = 1;
  for (const MergedProjection &projection : report.projections) {
    std::printf("%-12s %12.4g %16.1f %% %14.1f %%\n", projection.name.c_str(), projection.updateNorm,
                100 * projection.survived, 100 * projection.changed);
    least = std::min(least, projection.survived);
  }
  std::printf("merged as %s into %s\n", options.dtype.c_str(), config.outputDir.c_str());
  if (least < 0.9)
    std::fprintf(
        stderr,
        "mlora-run: note: rounding to %s lost %.0f %% of the update of one projection; dtype=f32 keeps all\n",
        options.dtype.c_str(), 100 * (1 - least));
  return 0;
}

} // namespace mlora
