#include "mlora/Runtime/Train/Trainer.h"

namespace mlora {

nlohmann::ordered_json TrainOutcome::toJson() const {
  nlohmann::ordered_json json = {{"output_dir", outputDir},
                                 {"steps", steps},
                                 {"total_steps", totalSteps},
                                 {"total_tokens", tokens},
                                 {"seconds", seconds}};
  json["tokens_per_second"] = tokensPerSecond();
  if (loss)
    json["train_loss"] = *loss;
  if (validationBefore)
    json["eval_loss_before"] = *validationBefore;
  if (validationAfter)
    json["eval_loss"] = *validationAfter;
  for (const auto &[name, value] : scoresBefore)
    json["eval_" + name + "_before"] = value;
  for (const auto &[name, value] : scoresAfter)
    json["eval_" + name] = value;
  if (bestStep >= 0)
    json["best_step"] = bestStep;
  json["interrupted"] = status == Status::Interrupted;
  return json;
}

} // namespace mlora
