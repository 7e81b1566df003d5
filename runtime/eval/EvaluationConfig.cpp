// How scores came about, for results.json.
#include "mlora/Runtime/Eval/Evaluation.h"

namespace mlora {

nlohmann::ordered_json evaluationConfig(const TrainConfig &config, const std::string &adapter,
                                        const Checkpoint &base, int64_t context) {
  nlohmann::ordered_json json = {
      {"model", "mlora"},
      {"model_args", "model_name_or_path=" + config.model + (adapter.empty() ? "" : ",adapter=" + adapter)},
      {"model_dtype", config.dtype},
      {"device", config.device},
      {"max_length", context},
      {"random_seed", config.seed},
      {"base_fingerprint", base.fingerprint()},
      {"mlora_version", MLORA_VERSION}};
  nlohmann::ordered_json tasks = nlohmann::ordered_json::array();
  for (const DatasetSpec &spec : config.evalTasks) {
    nlohmann::ordered_json task = {{"task", spec.task}, {"path", spec.path}};
    if (!spec.split.empty())
      task["split"] = spec.split;
    if (spec.limit >= 0)
      task["limit"] = spec.limit;
    if (spec.seed)
      task["seed"] = *spec.seed;
    if (spec.shots >= 0)
      task["num_fewshot"] = spec.shots;
    tasks.push_back(task);
  }
  json["eval_tasks"] = tasks;
  return json;
}

} // namespace mlora
