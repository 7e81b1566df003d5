#include "mlora/Runtime/Inference/LoadedModel.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/BlockFormats.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Program/Schedules.h"

#include <cstdio>

namespace mlora {
namespace {

/// "a, b" of all names that a map gives the same text, by that text.
std::map<std::string, std::string> byText(const std::map<std::string, std::string> &texts) {
  std::map<std::string, std::string> names;
  for (const auto &[name, text] : texts)
    names[text] += (names[text].empty() ? "" : ", ") + name;
  return names;
}

void keepQuantized(ProgramRequest &request, const Checkpoint &checkpoint) {
  std::map<std::string, std::string> others = request.keepQuantized(checkpoint);
  for (const auto &[format, names] : byText(request.quantized))
    std::fprintf(stderr, "mlora-run: stays %s%s: %s\n", blockFormatText(format).c_str(),
                 format.find('|') == format.npos ? "" : ", as each layer is stored", names.c_str());
  for (const auto &[types, names] : byText(others))
    std::fprintf(stderr, "mlora-run: becomes f32, since programs do not read it as %s: %s\n", types.c_str(),
                 names.c_str());
}

/// Several as one, so that a program has one to compute.
Adapter readAdapters(const std::vector<std::string> &paths, const Checkpoint &base) {
  std::vector<std::unique_ptr<AdapterSource>> opened;
  std::vector<const AdapterSource *> adapters;
  for (const std::string &path : paths) {
    opened.push_back(AdapterSource::open(path, base.config()));
    adapters.push_back(opened.back().get());
    checkBase(opened.back()->baseFingerprint(), opened.back()->baseModel(), base.fingerprint(), path);
  }
  return asLora(*AdapterSource::sum(std::move(adapters)), base.config());
}

} // namespace

std::unique_ptr<Tokenizer> openTokenizer(const Config &config, const ModelConfig &model) {
  auto words = Tokenizer::open(config.tokenizerPath());
  if (words->vocabSize() > model.vocabSize)
    badInput("the tokenizer " + config.tokenizerPath() + " has " + std::to_string(words->vocabSize()) +
             " tokens, the checkpoint " + config.model + " only " + std::to_string(model.vocabSize) +
             "; give the checkpoint's own with tokenizer=");
  return words;
}

LoadedModel::LoadedModel(const Arguments &arguments)
    : config(arguments.config), checkpoint(Checkpoint::open(config.model)),
      words(openTokenizer(config, checkpoint->config())) {
  std::vector<std::string> paths = config.adapterPaths();
  if (paths.size() > 1) {
    adapter = readAdapters(paths, *checkpoint);
  } else if (!paths.empty()) {
    adapter = readAdapter(paths[0], checkpoint->config());
    checkBase(*adapter, checkpoint->fingerprint(), paths[0]);
  }
}

Program &LoadedModel::open(const Scalars &capacity) {
  BundleCache cache;
  cache.message = [](const std::string &text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  ProgramRequest request = programRequest("generate", config.model, adapter ? &*adapter : nullptr);
  request.setDevice(config.device, config.chip);
  request.dtype = config.dtype;
  if (config.quantized == "auto" && request.target == "cpu")
    keepQuantized(request, *checkpoint);
  program = std::make_unique<Program>(cache.get(request), capacity, config.numThreads);
  for (const std::string &line : describeSchedules(program->manifest()))
    std::fprintf(stderr, "%s\n", line.c_str());
  loadWeights(*program, *checkpoint);
  if (adapter) {
    Parameters parameters(*program);
    loadAdapter(parameters, *adapter);
  }
  if (program->has("prepare"))
    program->run("prepare");
  return *program;
}

std::vector<int32_t> stopTokensOf(const Checkpoint &model, const Tokenizer &tokenizer) {
  std::vector<int64_t> ends = generationEnds(model.path(), model.config());
  std::vector<int32_t> stops(ends.begin(), ends.end());
  if (tokenizer.eos())
    stops.push_back(*tokenizer.eos());
  return stops;
}

int64_t contextOf(const Arguments &arguments, const ModelConfig &model) {
  auto given = arguments.given.find("max_length");
  bool asked = given != arguments.given.end() && given->second.file.empty();
  return asked ? arguments.config.maxLength : model.maxPositions;
}

} // namespace mlora
