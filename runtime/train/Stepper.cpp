#include "mlora/Runtime/Train/Stepper.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mlora {

Stepper::Stepper(Program &program, const TrainConfig &config) : program(program), config(config) {
  // The loss's own cotangent: gradients are those of the raw sum.
  const std::array<float, 1> one = {1};
  if (program.hasInput("loss_cotangent"))
    program.setInput("loss_cotangent", std::span<const float>(one));
  if (program.has("prepare"))
    program.run("prepare");
}

double Stepper::run(const char *section, const MicroBatch &batch, bool accumulate) {
  ProgramInputs inputs = flatten(batch);
  program.setInput("input_ids", std::span<const int32_t>(inputs.inputIds));
  program.setInput("position_ids", std::span<const int32_t>(inputs.positionIds));
  program.setInput("document_start", std::span<const int32_t>(inputs.documentStart));
  program.setInput("counted", std::span<const int32_t>(inputs.counted));
  program.setInput("targets", std::span<const int32_t>(inputs.targets));
  auto rows = int64_t(inputs.inputIds.size());
  program.run(section, {.rows = rows,
                        .countedRows = int64_t(inputs.counted.size()),
                        .kvRows = rows,
                        .accumulate = accumulate});
  return program.output("loss")[0];
}

std::pair<double, int64_t> Stepper::score(const MicroBatch &batch) {
  double sum = run("score", batch, false);
  return {sum, batch.countedLabels()};
}

StepResult Stepper::step(std::span<const MicroBatch> batches, int64_t index, double rate) {
  StepResult result;
  double sum = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    sum += run("micro_step", batches[i], i > 0);
    result.tokens += batches[i].tokens();
    result.counted += batches[i].countedLabels();
  }
  auto counted = double(std::max<int64_t>(1, result.counted));
  result.loss = sum / counted;
  bool trains = program.has("update");
  if (trains) {
    program.run("norm");
    result.gradientNorm = double(program.output("norm")[0]) / counted;
  }
  if (!std::isfinite(result.loss) || !std::isfinite(result.gradientNorm))
    failed("step " + std::to_string(index + 1) + ": the " +
           (std::isfinite(result.loss) ? "gradient's norm" : "loss") +
           " is not a finite number: nothing was updated; " +
           (index == 0 ? "the base's weights or the starting adapter hold such numbers, or too large ones: "
                         "are they whole?"
                       : "try a lower learning_rate or max_grad_norm"));
  if (!trains)
    return result;

  double clip =
      config.maxGradNorm > 0 ? std::min(1.0, config.maxGradNorm / (result.gradientNorm + 1e-6)) : 1.0;
  // The kernel knows the betas as f32: corrections of the same numbers, or they would not cancel.
  auto correction = [&](double beta) { return float(1 - std::pow(double(float(beta)), double(index + 1))); };
  const std::array<float, 8> hyper = {float(rate),
                                      float(config.adamBeta1),
                                      float(config.adamBeta2),
                                      float(config.adamEpsilon),
                                      float(config.weightDecay),
                                      correction(config.adamBeta1),
                                      correction(config.adamBeta2),
                                      float(clip / counted)};
  program.setInput("hyper", std::span<const float>(hyper));
  program.run("update");
  return result;
}

} // namespace mlora
