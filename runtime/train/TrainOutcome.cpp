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
  json["interrupted"] = status == Status::Interrupted;
  return json;
}

} // namespace mlora
