// Opening: everything that can be wrong in the input is found before anything is computed or written.
#include "TrainingRun.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Adapter/HfFolder.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Program/Schedules.h"
#include "mlora/Runtime/Report/JsonLog.h"
#include "mlora/Runtime/Report/ProgressLine.h"
#include "mlora/Runtime/Report/TensorBoard.h"
#include "mlora/Runtime/Train/Start.h"

#include <algorithm>
#include <set>

namespace fs = std::filesystem;

namespace mlora {

TrainingRun::TrainingRun(const Arguments &arguments)
    : arguments(arguments), config(arguments.config), outputDir(config.outputDir),
      checkpoints(outputDir, {.newest = config.saveTotalLimit, .best = config.loadBestModelAtEnd}),
      tokenizer(config) {
  reports.add(std::make_unique<ProgressLine>());
  base = Checkpoint::open(config.model);
  fingerprint = base->fingerprint();
  std::error_code code;
  if (fs::equivalent(outputDir, base->path(), code))
    badInput("output_dir: " + config.outputDir + " is the base model's folder: choose another one");
  checkOutput();
  adapter = startingAdapter(arguments, *base);
  if (adapter && adapter->scalingsDiffer)
    say("note: the modules of " + config.adapter +
        " have different lora_alpha / r: B holds them multiplied in, one "
        "scaling is left, so that training takes other steps than PEFT's from here");
  openData();
  findCompanions();
  makeFolders(outputDir);
  findCheckpoint();
}

/// A tokenizer inside a GGUF file, or one that is named, becomes files beside a whole checkpoint; a folder's
/// own are copied as they are.
void TrainingRun::findCompanions() {
  if (adapter || (fs::is_directory(base->path()) && config.tokenizer.empty()))
    return;
  try {
    companions = tokenizer.get().files();
  } catch (const Error &error) { // rows of tokens need none
    if (!config.tokenizer.empty())
      throw;
    say(std::string("note: the output will hold no tokenizer: ") + error.what());
  }
}

/// What a run of ours wrote may be written again; what another program wrote may not. Many of the names are
/// Hugging Face's, LLaMA-Factory's and others' too, so that only our marker tells.
void TrainingRun::checkOutput() const {
  if (checkpoints.isOurs())
    return checkpoints.checkForeign();
  std::set<std::string> names = {"config.yaml",
                                 "trainer_log.jsonl",
                                 "runs",
                                 "adapter_model.safetensors",
                                 "adapter_config.json",
                                 "mlora_adapter.safetensors",
                                 "mlora_config.json",
                                 "model.safetensors.index.json"};
  names.merge(modelFileNames());
  std::error_code code;
  for (fs::directory_iterator entry(outputDir, code), end; !code && entry != end; entry.increment(code)) {
    std::string name = entry->path().filename().string();
    if (names.count(name) || Checkpoints::stepOf(name))
      badInput("output_dir: " + config.outputDir + " holds " + name +
               ", which no run of mlora wrote: choose another output_dir, or remove what is in this one");
  }
}

/// What became of the rows, once it is known of all.
void TrainingRun::sayNotes() {
  if (notesSaid || !stream->isComplete())
    return;
  notesSaid = true;
  for (const std::string &note : stream->report().notes())
    say(note);
}

void TrainingRun::openData() {
  stream = std::make_unique<BatchStream>(config, tokenizer, base->config().vocabSize);
  sayNotes();
  DataReport report;
  validation = validationBatches(config, tokenizer, base->config().vocabSize, &report);
  for (const std::string &note : report.notes())
    say("validation: " + note);
  if (!config.evalTasks.empty()) {
    scoring = std::make_unique<TaskScoring>(arguments, *base, tokenizer.get());
    for (const std::string &note : scoring->notes())
      say(note);
  }
  state.totalSteps = stream->expectedSteps(0);
  state.seed = config.seed;
  state.baseFingerprint = fingerprint;
  state.dataFingerprint = stream->fingerprint();
}

/// Only looks: the checkpoint is loaded once the program is there.
void TrainingRun::findCheckpoint() {
  if (config.resume.empty())
    return;
  if (config.resume != "auto")
    resumeFrom = config.resume;
  else
    resumeFrom = checkpoints.newest([this](const std::string &text) { say(text); });
  if (!resumeFrom) {
    say("no checkpoint in " + config.outputDir + ": starting from the beginning");
    return;
  }
  if (!fs::exists(*resumeFrom / "trainer_state.json"))
    badInput("resume_from_checkpoint: " + resumeFrom->string() +
             ": is no checkpoint (it holds no trainer_state.json): give a folder OUTPUT_DIR/checkpoint-STEP, "
             "or `auto`");
  TrainState stored;
  try {
    stored = TrainState::read(*resumeFrom);
  } catch (const Error &error) {
    badInput("resume_from_checkpoint: " + resumeFrom->string() + ": is damaged (" + error.what() +
             "): give another checkpoint, or `auto`, which goes on from the newest whole one of output_dir");
  }
  if (stored.baseFingerprint != fingerprint)
    badInput(resumeFrom->string() + ": was trained on another base (fingerprint " + stored.baseFingerprint +
             ") than " + config.model + " (" + fingerprint + "): give the base it was trained on");
  bool full = fs::exists(*resumeFrom / "model.safetensors");
  if (full == adapter.has_value())
    badInput(resumeFrom->string() + ": holds " + (full ? "a whole model (method=ft)" : "an adapter") +
             ", but method=" + config.method +
             " is asked for: give the method that it was trained with, or leave resume_from_checkpoint out");
  if (adapter)
    checkSameShape(readAdapter(*resumeFrom, base->config()), *adapter, resumeFrom->string());
  if (stored.dataFingerprint != state.dataFingerprint)
    say("note: the data is not that of " + resumeFrom->string() +
        ": the result differs from an undisturbed run's");
  if (!stream->followsRows() && stored.totalSteps != state.totalSteps)
    say("note: the run was planned for " + std::to_string(stored.totalSteps) + " steps and now has " +
        std::to_string(state.totalSteps) + ": the learning rate follows the new plan");
}

/// No more than the data needs.
Scalars TrainingRun::capacity() const {
  int64_t rows = stream->maxMicroBatchTokens();
  for (const MicroBatch &batch : validation)
    rows = std::max(rows, batch.tokens());
  return {.rows = rows, .countedRows = rows, .kvRows = rows};
}

void TrainingRun::openProgram() {
  BundleCache cache;
  cache.message = [this](const std::string &text) { say(text); };
  ProgramRequest request = programRequest("train", config.model, adapter ? &*adapter : nullptr);
  request.setDevice(config.device, config.chip);
  request.dtype = config.dtype;
  request.memoryBudget = config.memoryBudget;
  request.offload = config.offload;
  request.capacity = capacity();
  program = std::make_unique<Program>(cache.get(request), request.capacity, config.numThreads,
                                      Offload::of(config.offload));
  if (program->hostBytes() > 0)
    say("offload=" + config.offload + ": " + std::to_string(program->hostBytes() >> 20) +
        " MiB in the host's memory, pinned; the GPU's arena has " +
        std::to_string(program->arenaBytes() >> 20) + " MiB");
  for (const std::string &line : describeSchedules(program->manifest()))
    say(line);
  parameters = std::make_unique<Parameters>(*program);
  loadStart(*program, *parameters, *base, adapter);
  trainable = std::make_unique<Trainable>(*base, adapter ? &*adapter : nullptr, *parameters);
  // A checkpoint is the output and two moments; an old one goes only after a new one is whole.
  checkFreeSpace(outputDir, uint64_t(2 * trainable->bytes() + 2 * parameters->elements() * 4));
  if (resumeFrom) {
    int64_t totalSteps = state.totalSteps;
    std::string data = state.dataFingerprint;
    state = Checkpoints::load(*resumeFrom, *trainable);
    state.totalSteps = stream->followsRows() ? stream->expectedSteps(state.step) : totalSteps;
    state.dataFingerprint = data;
    savedStep = state.step;
    earlierSeconds = state.elapsedSeconds;
    forgetBestThatIsGone();
  }
  if (state.bestMetric != config.metricForBestModel) { // values of another metric say nothing about this one
    state.bestMetric = config.metricForBestModel;
    state.best.reset();
    state.bestStep = -1;
  }
  if (scoring)
    scoring->open(cache, *program, *trainable);
  stepper = std::make_unique<Stepper>(*program, config);
  schedule = std::make_unique<Schedule>(config, state.totalSteps);
}

/// A run that kept no best ones, or another folder's, knows of a best step that is not here.
void TrainingRun::forgetBestThatIsGone() {
  if (!config.loadBestModelAtEnd || state.bestStep < 0 || checkpoints.has(state.bestStep, state.run))
    return;
  say("note: the best " + measure() + " so far is that of step " + std::to_string(state.bestStep) +
      ", whose checkpoint is not in " + config.outputDir + ": the best is looked for from here on");
  state.best.reset();
  state.bestStep = -1;
}

void TrainingRun::openReports() {
  // A checkpoint of this folder's run goes on under its name.
  if (!resumeFrom || state.run.empty() || state.run != checkpoints.currentRun())
    state.run = checkpoints.beginRun();
  auto wants = [this](const char *name) {
    return std::find(config.reportTo.begin(), config.reportTo.end(), name) != config.reportTo.end();
  };
  if (wants("jsonl")) {
    JsonLog::Kept kept;
    if (resumeFrom)
      kept = {state.step, state.lastValidation};
    reports.add(std::make_unique<JsonLog>(outputDir / "trainer_log.jsonl", kept));
  }
  if (wants("tensorboard"))
    reports.add(std::make_unique<TensorBoard>(outputDir / "runs", resumeFrom ? state.step : 0));
  if (resumeFrom)
    say("resuming from " + resumeFrom->string() + " after step " + std::to_string(state.step));
}

/// max_steps=0: no program is needed.
TrainOutcome TrainingRun::writeInitial() {
  writeFileAtomically(outputDir / "config.yaml", toYaml(withAbsolutePaths(config), arguments.command));
  if (adapter)
    writeAdapter(outputDir, *adapter, base->config());
  else
    writeFullCheckpoint(outputDir, *base, nullptr, companions);
  outcome.outputDir = config.outputDir;
  return outcome;
}

TrainOutcome TrainingRun::run() {
  // The marker before anything else: whatever a run leaves, the next one knows as ours.
  if (!checkpoints.isOurs())
    checkpoints.beginRun();
  if (state.totalSteps == 0 && !resumeFrom)
    return writeInitial();
  checkpoints.removeLeftovers();
  openProgram();
  writeFileAtomically(outputDir / "config.yaml", toYaml(withAbsolutePaths(config), arguments.command));
  openReports();
  interrupt = std::make_unique<InterruptGuard>();
  loop();
  outcome.steps = state.step;
  outcome.totalSteps = state.totalSteps;
  outcome.tokens = state.totalTokens;
  outcome.seconds = sessionSeconds();
  outcome.outputDir = config.outputDir;
  if (interrupt->asked() && !isOver()) {
    if (savedStep != state.step)
      saveCheckpoint();
    reports.finish();
    say("interrupted after step " + std::to_string(state.step) +
        ": resume_from_checkpoint=auto goes on from " + checkpoints.folderOf(state.step).string());
    outcome.status = Status::Interrupted;
    return outcome;
  }
  writeOutput();
  reports.finish();
  return outcome;
}

TrainOutcome train(const Arguments &arguments) { return TrainingRun(arguments).run(); }

} // namespace mlora
