#include "TaskScoring.h"

#include "TrainedCheckpoint.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Inference/LoadedModel.h"
#include "mlora/Runtime/Program/BundleCache.h"

namespace mlora {
namespace {

EvaluationOptions optionsOf(const Arguments &arguments, const Checkpoint &base, const Tokenizer &tokenizer) {
  EvaluationOptions options;
  // Not max_length, which cuts training rows: a prompt is cut where the model's positions end.
  options.context = base.config().maxPositions;
  options.stopTokens = stopTokensOf(base, tokenizer);
  return options;
}

bool isWhole(const Program &program) {
  const Manifest &manifest = program.manifest();
  for (size_t i = 0; i < manifest.buffers.size(); ++i)
    if (manifest.buffers[i].role == Role::Weight && !program.isBorrowed(int(i)))
      return false;
  return true;
}

} // namespace

TaskScoring::TaskScoring(const Arguments &arguments, const Checkpoint &base, const Tokenizer &tokenizer)
    : arguments(arguments), base(base),
      evaluation(arguments.config.evalTasks, tokenizer, optionsOf(arguments, base, tokenizer)) {
  if (arguments.config.metricForBestModel == "average" && !evaluation.hasAverage())
    badInput("metric_for_best_model: average is the mean over MMLU, BoolQ, MultiRC, RTE and WiC, of which eval_tasks "
             "has none");
}

void TaskScoring::open(BundleCache &cache, Program &training, const Trainable &trainable) {
  const Config &config = arguments.config;
  isAdapter = trainable.isAdapter();
  ProgramRequest request = programRequest("generate", config.model, trainable.shape());
  request.setDevice(config.device, config.chip);
  request.dtype = config.dtype;
  program = std::make_unique<Program>(cache.get(request), evaluation.capacity(), config.numThreads, Offload{},
                                      &training);
  if (isAdapter)
    loadWeights(*program, base);
}

std::vector<TaskScore> TaskScoring::run(const Parameters &trained, const Evaluation::Progress &progress) {
  if (isAdapter) {
    Parameters mine(*program);
    for (const ParameterTensor &tensor : mine.tensors())
      mine.write(tensor, ParameterPart::Value, trained.read(*trained.find(tensor.name), ParameterPart::Value));
  } else if (!isWhole(*program)) {
    loadWeights(*program, TrainedCheckpoint(base, trained));
  }
  if (program->has("prepare"))
    program->run("prepare");
  return evaluation.run(*program, progress);
}

nlohmann::ordered_json TaskScoring::results(std::span<const TaskScore> scores, int64_t step) const {
  const Config &config = arguments.config;
  nlohmann::ordered_json how = evaluationConfig(config, "", base, base.config().maxPositions);
  how["method"] = config.method;
  how["step"] = step;
  return resultsJson(scores, how);
}

std::vector<std::pair<std::string, double>> namedScores(std::span<const TaskScore> scores) {
  std::vector<std::pair<std::string, double>> result;
  for (const TaskScore &score : scores)
    if (!score.metrics.empty())
      result.emplace_back(score.name + "_" + score.metrics.front().name, score.metrics.front().value);
  if (auto average = averageOf(scores))
    result.emplace_back("average", average->value);
  return result;
}

} // namespace mlora
