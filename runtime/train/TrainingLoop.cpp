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
  sessionFirstShare = stream->share(state.step);
  // Also after a resume, where the run ended between a step and its validation.
  if (validationIsDue())
    validate();
  while (!isOver() && !interrupt->asked()) {
    oneStep();
    if (validationIsDue() && !interrupt->asked())
      validate();
    bool due = config.saveSteps > 0 && state.step % config.saveSteps == 0;
    if ((due || isOver()) && savedStep != state.step)
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
  double rate = stream->followsRows() ? schedule->rateAt(stream->share(state.step)) : schedule->rate(state.step);
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
  state.totalSteps = stream->expectedSteps(state.step);
  state.epoch = stream->epochsAfter(state.step);
  sayNotes();
  state.totalTokens += result.tokens;
  outcome.sessionTokens += result.tokens;
  outcome.loss = result.loss;
  lineTokens += result.tokens;
  state.pendingLoss += result.loss;
  state.pendingSteps += 1;
  if (state.step % config.loggingSteps && !isOver())
    return;
  StepRecord line = record();
  line.loss = state.pendingLoss / double(state.pendingSteps);
  line.learningRate = rate;
  line.gradientNorm = result.gradientNorm;
  double seconds = std::chrono::duration<double>(Clock::now() - lineStart).count();
  line.tokensPerSecond = seconds > 0 ? double(lineTokens) / seconds : 0;
  double share = stream->share(state.step);
  if (share > sessionFirstShare)
    line.remainingSeconds = outcome.stepSeconds / (share - sessionFirstShare) * (1 - share) +
                            double(validationsToCome()) * validationSeconds;
  reports.step(line);
  state.pendingLoss = 0;
  state.pendingSteps = lineTokens = 0;
  lineStart = Clock::now();
}

/// Before the first step, every eval_steps, and after the last one.
bool TrainingRun::validationIsDue() const {
  if ((validation.empty() && !scoring) || state.lastValidation == state.step)
    return false;
  return state.step == 0 || isOver() ||
         (config.evalSteps > 0 && state.step % config.evalSteps == 0);
}

/// Nothing when it was interrupted.
std::optional<double> TrainingRun::validationLoss() {
  double sum = 0;
  int64_t counted = 0;
  for (const MicroBatch &batch : validation) {
    if (interrupt->asked())
      return std::nullopt;
    auto [batchSum, batchCounted] = stepper->score(batch);
    sum += batchSum;
    counted += batchCounted;
  }
  return sum / double(std::max<int64_t>(1, counted));
}

bool TrainingRun::isByAverage() const { return config.metricForBestModel == "average"; }

std::string TrainingRun::measure() const { return isByAverage() ? "average of the tasks" : "validation loss"; }

std::optional<double> TrainingRun::measured(std::optional<double> loss,
                                            const std::vector<std::pair<std::string, double>> &scores) const {
  if (!isByAverage())
    return loss;
  return scores.empty() ? std::nullopt : std::optional(scores.back().second);
}

bool TrainingRun::isBetter(double value, double than) const { return isByAverage() ? value > than : value < than; }

void TrainingRun::validate() {
  Clock::time_point start = Clock::now(), lineBefore = lineStart;
  StepRecord line = record();
  if (!validation.empty() && !(line.evalLoss = validationLoss()))
    return;
  if (scoring) {
    struct Stopped {};
    std::vector<TaskScore> scores;
    try {
      scores = scoring->run(*parameters, [&](const std::string &task, double share) {
        if (interrupt->asked())
          throw Stopped();
        reports.scoring(task, share, std::chrono::duration<double>(Clock::now() - start).count());
      });
    } catch (const Stopped &) {
      return;
    }
    line.scores = namedScores(scores);
    makeFolders(outputDir / "eval");
    writeFileAtomically(outputDir / "eval" / ("results-" + std::to_string(state.step) + ".json"),
                        scoring->results(scores, state.step).dump(2) + "\n");
    (state.step == 0 ? outcome.scoresBefore : outcome.scoresAfter) = line.scores;
  }
  reports.step(line);
  state.lastValidation = state.step;
  if (line.evalLoss)
    (state.step == 0 ? outcome.validationBefore : outcome.validationAfter) = line.evalLoss;
  // What stands before the first step is no checkpoint: a run gives what it trained, and says how that fares beside it.
  std::optional<double> value = measured(line.evalLoss, line.scores);
  if (state.step > 0 && value && (!state.best || isBetter(*value, *state.best))) {
    state.best = value;
    state.bestStep = state.step;
    if (config.loadBestModelAtEnd)
      saveCheckpoint();
  }
  // Scoring is no training: it does not slow the steps in the log.
  validationSeconds = std::chrono::duration<double>(Clock::now() - start).count();
  lineStart = lineBefore + (Clock::now() - start); // with what saving the best took
}

/// Validations between now and the end, the last included.
int64_t TrainingRun::validationsToCome() const {
  if (validation.empty() && !scoring)
    return 0;
  int64_t left = state.totalSteps - state.step;
  return config.evalSteps > 0 ? state.totalSteps / config.evalSteps - state.step / config.evalSteps +
                                    (state.totalSteps % config.evalSteps && left > 0)
                              : left > 0;
}

void TrainingRun::saveCheckpoint() {
  Clock::time_point start = Clock::now();
  state.elapsedSeconds = earlierSeconds + sessionSeconds();
  checkpoints.save(*trainable, state, companions);
  savedStep = state.step;
  lineStart += Clock::now() - start;
}

static std::string numberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

/// A warning where training made things worse, by the measure that the run was asked to watch.
void TrainingRun::sayIfWorse() {
  std::optional<double> before = measured(outcome.validationBefore, outcome.scoresBefore);
  if (!before || !state.best || isBetter(*state.best, *before))
    return;
  say("note: no checkpoint is better than the start: the best " + measure() + " is " + numberText(*state.best) +
      " (before: " + numberText(*before) + ")");
}

void TrainingRun::writeOutput() {
  sayIfWorse();
  if (config.loadBestModelAtEnd && state.bestStep >= 0 && state.bestStep != state.step) {
    std::filesystem::path best = checkpoints.folderOf(state.bestStep);
    trainable->load(best);
    say("the best " + measure() + " is that of " + best.string());
    outcome.bestStep = state.bestStep;
    outcome.best = measure() + " " + numberText(*state.best);
  }
  trainable->save(outputDir, companions);
}

} // namespace mlora
