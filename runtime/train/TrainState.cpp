#include "mlora/Runtime/Train/TrainState.h"

#include "mlora/Runtime/Core/Json.h"

namespace mlora {

// Hugging Face's names where it has one.
nlohmann::ordered_json TrainState::toJson() const {
  nlohmann::ordered_json json = {{"global_step", step},
                                 {"max_steps", totalSteps},
                                 {"epoch", epoch},
                                 {"num_input_tokens_seen", totalTokens},
                                 {"elapsed_seconds", elapsedSeconds},
                                 {"pending_loss", pendingLoss},
                                 {"pending_steps", pendingSteps},
                                 {"last_validation_step", lastValidation},
                                 {"best_metric", nullptr},
                                 {"metric_for_best_model", bestMetric},
                                 {"best_step", bestStep},
                                 {"seed", seed},
                                 {"base_fingerprint", baseFingerprint},
                                 {"data_fingerprint", dataFingerprint},
                                 {"run", run}};
  if (best)
    json["best_metric"] = *best;
  return json;
}

TrainState TrainState::fromJson(const nlohmann::json &json, const std::string &where) {
  JsonFields fields(json, where);
  TrainState state;
  state.step = fields.integer("global_step");
  state.totalSteps = fields.integer("max_steps");
  if (state.step < 0)
    fields.refuse("global_step", "must not be negative");
  state.epoch = fields.number("epoch");
  state.totalTokens = fields.integer("num_input_tokens_seen");
  state.elapsedSeconds = fields.number("elapsed_seconds");
  state.pendingLoss = fields.number("pending_loss");
  state.pendingSteps = fields.integer("pending_steps");
  state.lastValidation = fields.integer("last_validation_step");
  state.best = fields.optionalNumber("best_metric");
  state.bestMetric = fields.optionalString("metric_for_best_model").value_or("loss");
  state.bestStep = fields.integer("best_step");
  if (!fields.has("seed") || !json["seed"].is_number_integer())
    fields.refuse("seed", "must be a whole number");
  state.seed = json["seed"].get<uint64_t>();
  state.baseFingerprint = fields.string("base_fingerprint");
  state.dataFingerprint = fields.string("data_fingerprint");
  state.run = fields.string("run");
  return state;
}

TrainState TrainState::read(const std::filesystem::path &folder) {
  std::filesystem::path path = folder / "trainer_state.json";
  return fromJson(readJsonFile(path), path.string());
}

} // namespace mlora
