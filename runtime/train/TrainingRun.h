// One run of training: what is open, and the loop over it.
#pragma once

#include "mlora/Runtime/Data/BatchStream.h"
#include "mlora/Runtime/Report/Reports.h"
#include "mlora/Runtime/Train/Checkpoints.h"
#include "mlora/Runtime/Train/Interrupt.h"
#include "mlora/Runtime/Train/Schedule.h"
#include "mlora/Runtime/Train/Stepper.h"
#include "TaskScoring.h"
#include "mlora/Runtime/Train/Trainer.h"

#include <chrono>

namespace mlora {

class TrainingRun {
public:
  explicit TrainingRun(const Arguments &arguments);

  TrainOutcome run();

private:
  using Files = std::vector<std::pair<std::string, std::string>>;

  void checkOutput() const;
  void openData();
  void sayNotes();
  bool isOver() const { return !stream->hasStep(state.step); }
  void findCheckpoint();
  void openProgram();
  void openReports();
  TrainOutcome writeInitial();
  void loop();
  void oneStep();
  void validate();
  std::optional<double> validationLoss();
  bool isByAverage() const;
  std::string measure() const; ///< what decides which checkpoint is the best, for messages
  std::optional<double> measured(std::optional<double> loss,
                                 const std::vector<std::pair<std::string, double>> &scores) const;
  bool isBetter(double value, double than) const;
  bool validationIsDue() const;
  int64_t validationsToCome() const;
  void saveCheckpoint();
  void sayIfWorse();
  void writeOutput();
  StepRecord record() const;
  double sessionSeconds() const;
  Scalars capacity() const;
  void findCompanions();
  void forgetBestThatIsGone();
  void say(const std::string &text) { reports.message(text); }

  const Arguments &arguments;
  const Config &config;
  std::filesystem::path outputDir;
  Checkpoints checkpoints;
  Reports reports;
  std::unique_ptr<Checkpoint> base;
  std::string fingerprint;
  TokenizerSource tokenizer;
  std::unique_ptr<BatchStream> stream;
  std::vector<MicroBatch> validation;
  Files companions;               ///< tokenizer files that go beside a whole model
  std::optional<Adapter> adapter; ///< its tensors are given up once the program has them
  std::optional<std::filesystem::path> resumeFrom;
  std::unique_ptr<Program> program;
  std::unique_ptr<Parameters> parameters;
  std::unique_ptr<Trainable> trainable;
  std::unique_ptr<Stepper> stepper;
  std::unique_ptr<TaskScoring> scoring; ///< where there are eval_tasks
  std::unique_ptr<Schedule> schedule;
  std::unique_ptr<InterruptGuard> interrupt;
  TrainState state;
  int64_t savedStep = -1;
  bool notesSaid = false;
  TrainOutcome outcome;

  using Clock = std::chrono::steady_clock;
  Clock::time_point sessionStart, lineStart; ///< of the loop, and of what the next line of the log covers
  double earlierSeconds = 0;                 ///< of sessions before this one
  double sessionFirstShare = 0;              ///< of training, done when the session began
  double validationSeconds = 0;              ///< that the last one took
  int64_t lineTokens = 0;
};

} // namespace mlora
