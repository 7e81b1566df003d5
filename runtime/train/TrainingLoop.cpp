// The loop: steps, validation, checkpoints, and the output at the end.
#include "TrainingRun.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"

namespace mlora {

double TrainingRun::sessionSeconds() const {
  return std::chrono::duration<double>(Clock::now() - sessionStart).count();
}

void TrainingRun::loop() {
  sessionStart = lineStart = Clock::now();
  sessionFirstStep = state.step;
  // Also after a resume, where the run ended between a step and its validation.
  if (validationIsDue())
    validate();
  while (state.step < state.totalSteps && !interrupt->asked()) {
    oneStep();
    if (validationIsDue() && !interrupt->asked())
      validate();
    bool due = config.saveSteps > 0 && state.step % config.saveSteps == 0;
    if ((due || state.step == state.totalSteps) && savedStep != state.step)
      saveCheckpoint();
  }
}

StepRecord TrainingRun::record() const {
  StepRecord record;
  record.currentSteps = state.step;
  record.totalSteps = state.totalSteps;
  record.epoch = state.epoch;
  record.elapsedSeconds = earlierSeconds + sessionSeconds();
  record.totalTokens = state.totalTokens;
  return record;
}

void TrainingRun::oneStep() {
  double rate = schedule->rate(state.step);
  Clock::time_point start = Clock::now();
  StepResult result;
  try {
    result = stepper->step(stream->step(state.step), state.step, rate);
  } catch (const Error &error) {
    if (error.status != Status::Failed)
      throw;
    throw Error(error.status,
                std::string(error.what()) +
                    (savedStep >= 0 ? "; the last checkpoint is " + checkpoints.folderOf(savedStep).string()
                                    : "; there is no checkpoint yet"));
  }
  outcome.stepSeconds += std::chrono::duration<double>(Clock::now() - start).count();
  state.step += 1;
  state.epoch = stream->plan().epochsAfter(state.step);
  state.totalTokens += result.tokens;
  outcome.sessionTokens += result.tokens;
  outcome.loss = result.loss;
  lineTokens += result.tokens;
  state.pendingLoss += result.loss;
  state.pendingSteps += 1;
  if (state.step % config.loggingSteps && state.step != state.totalSteps)
    return;
  StepRecord line = record();
  line.loss = state.pendingLoss / double(state.pendingSteps);
  line.learningRate = rate;
  line.gradientNorm = result.gradientNorm;
  double seconds = std::chrono::duration<double>(Clock::now() - lineStart).count();
  line.tokensPerSecond = seconds > 0 ? double(lineTokens) / seconds : 0;
  line.remainingSeconds =
      outcome.stepSeconds / double(state.step - sessionFirstStep) * double(state.totalSteps - state.step);
  reports.step(line);
  state.pendingLoss = 0;
  state.pendingSteps = lineTokens = 0;
  lineStart = Clock::now();
}

/// Before the first step, every eval_steps, and after the last one.
bool TrainingRun::validationIsDue() const {
  if (validation.empty() || state.lastValidation == state.step)
    return false;
  return state.step == 0 || state.step == state.totalSteps ||
         (config.evalSteps > 0 && state.step % config.evalSteps == 0);
}

void TrainingRun::validate() {
  Clock::time_point start = Clock::now();
  double sum = 0;
  int64_t counted = 0;
  for (const MicroBatch &batch : validation) {
    if (interrupt->asked())
      return;
    auto [batchSum, batchCounted] = stepper->score(batch);
    sum += batchSum;
    counted += batchCounted;
  }
  double loss = sum / double(std::max<int64_t>(1, counted));
  StepRecord line = record();
  line.evalLoss = loss;
  reports.step(line);
  state.lastValidation = state.step;
  (state.step == 0 ? outcome.validationBefore : outcome.validationAfter) = loss;
  if (!state.bestLoss || loss < *state.bestLoss) {
    state.bestLoss = loss;
    state.bestStep = state.step;
    if (config.loadBestModelAtEnd)
      saveCheckpoint();
  }
  // Scoring is no training: it does not slow the steps in the log.
  lineStart += Clock::now() - start;
}

void TrainingRun::saveCheckpoint() {
  Clock::time_point start = Clock::now();
  state.elapsedSeconds = earlierSeconds + sessionSeconds();
  checkpoints.save(*trainable, state, companionFiles());
  savedStep = state.step;
  lineStart += Clock::now() - start;
}

void TrainingRun::writeOutput() {
  if (config.loadBestModelAtEnd && state.bestStep >= 0 && state.bestStep != state.step) {
    std::filesystem::path best = checkpoints.folderOf(state.bestStep);
    trainable->load(best);
    say("the best validation loss is that of " + best.string());
  }
  trainable->save(outputDir, companionFiles());
}

} // namespace mlora
