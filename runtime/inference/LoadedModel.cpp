#include "mlora/Runtime/Inference/LoadedModel.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Program/Schedules.h"

#include <cstdio>

namespace mlora {

LoadedModel::LoadedModel(const Arguments &arguments)
    : config(arguments.config), checkpoint(Checkpoint::open(config.model)),
      words(Tokenizer::open(config.tokenizerPath())) {
  if (words->vocabSize() > checkpoint->config().vocabSize)
    badInput("the tokenizer " + config.tokenizerPath() + " has " + std::to_string(words->vocabSize()) +
             " tokens, the checkpoint " + config.model + " only " +
             std::to_string(checkpoint->config().vocabSize) + "; give the checkpoint's own with tokenizer=");
  if (config.adapter.empty())
    return;
  adapter = readAdapter(config.adapter, checkpoint->config());
  checkBase(*adapter, checkpoint->fingerprint(), config.adapter);
}

Program &LoadedModel::open(const Scalars &capacity) {
  BundleCache cache;
  cache.message = [](const std::string &text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  ProgramRequest request = programRequest("generate", config.model, adapter ? &*adapter : nullptr);
  request.setDevice(config.device, config.chip);
  request.dtype = config.dtype;
  if (config.quantized == "auto" && request.target == "cpu")
    for (const auto &[tensor, types] : request.keepQuantized(*checkpoint))
      std::fprintf(stderr, "mlora-run: %s is stored as %s, not as one type in all layers: it is kept as f32\n",
                   tensor.c_str(), types.c_str());
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

std::vector<int32_t> stopTokensOf(const ModelConfig &model, const Tokenizer &tokenizer) {
  std::vector<int32_t> stops(model.eosTokens.begin(), model.eosTokens.end());
  if (tokenizer.eos())
    stops.push_back(*tokenizer.eos());
  return stops;
}

int64_t contextOf(const Arguments &arguments, const ModelConfig &model) {
  return arguments.has("max_length") ? arguments.config.maxLength : model.maxPositions;
}

} // namespace mlora
