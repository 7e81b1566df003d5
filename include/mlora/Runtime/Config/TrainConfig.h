// What a user asked for, typed: one field a key of the table in runtime/config/Keys.cpp (names of CLI.md).
// Initialisers here are the defaults that `--help` prints; an empty optional has a default that depends on
// other keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlora {

/// One entry of `datasets`, `validation` or `eval_tasks`.
struct DatasetSpec {
  /// A file (JSON array or JSON lines), or a folder that holds <split>.jsonl or <split>.json.
  std::string path = {};
  /// Empty: told from each row's keys.
  std::string task = {};
  /// Name of a file in the folder, and a range of rows: `train`, `train[:90%]`, `[100:200]`.
  std::string split = {};
  /// At most so many rows; -1: all.
  int64_t limit = -1;
  /// Rows seen in an epoch, as a multiple of the rows there are; a fraction is drawn by the seed.
  double weight = 1;
  /// Draws the rows of `limit`, and of a weight's fraction; unset: the first rows, and the run's seed.
  std::optional<uint64_t> seed = {};
  /// Of an evaluation (`num_fewshot`): worked examples in front of a question; -1: as many as the task has.
  int64_t shots = -1;
  bool operator==(const DatasetSpec &) const = default;
};

/// Keys of `train`; `data`, `bench` and the others use some of them.
struct TrainConfig {
  // model and adapter
  std::string model;     ///< model_name_or_path
  std::string adapter;   ///< start from this one; empty: a fresh one; see adapterPaths()
  std::string tokenizer; ///< where the checkpoint has none; see tokenizerPath()
  std::string method = "multilora";
  int64_t numBranches = 3; ///< 1 for `lora` after resolution
  int64_t loraR = 32;
  std::optional<double> loraAlpha; ///< lora_r unless given
  double loraDropout = 0;
  std::vector<std::string> targetModules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                            "gate_proj", "up_proj", "down_proj"};
  // data
  std::vector<DatasetSpec> datasets, validation, evalTasks;
  int64_t maxLength = 1024;
  bool packing = true;
  bool shuffle = true;
  // steps
  int64_t batchSize = 1;    ///< per_device_train_batch_size
  int64_t accumulation = 1; ///< gradient_accumulation_steps
  double epochs = 2;
  int64_t maxSteps = -1; ///< -1: as many as `epochs` says; 0: write the initial adapter and stop
  uint64_t seed = 42;
  // optimizer
  std::optional<double> learningRate; ///< 5e-5; 5e-6 for ft
  std::string schedule = "linear";
  double warmupRatio = 0.05;
  double weightDecay = 0;
  double maxGradNorm = 1;
  double adamBeta1 = 0.9, adamBeta2 = 0.999, adamEpsilon = 1e-8;
  // running
  int64_t loggingSteps = 1;
  int64_t evalSteps = 0;      ///< 0: before the first step and after the last one only
  int64_t saveSteps = 500;    ///< 0: only at the end
  int64_t saveTotalLimit = 0; ///< 0: keep all
  bool loadBestModelAtEnd = false;
  std::string metricForBestModel = "loss";
  std::string resume; ///< resume_from_checkpoint: a folder, or `auto`; empty: start anew
  std::string outputDir;
  std::string device = "cpu";
  std::string chip = "auto"; ///< that a GPU's kernels are made for
  std::string dtype = "f32";
  std::string quantized = "auto"; ///< or false
  std::string weights = "checkpoint"; ///< bench: or "random"
  int64_t numThreads = 0;             ///< 0: every core this process may use
  int64_t memoryBudget = 0;           ///< bytes; 0: no limit
  std::string offload = "none";
  std::vector<std::string> reportTo = {"jsonl", "tensorboard"};

  bool operator==(const TrainConfig &) const = default;

  double alpha() const { return loraAlpha.value_or(double(loraR)); }
  double rate() const { return learningRate.value_or(method == "ft" ? 5e-6 : 5e-5); }
  /// Where token ids come from: `tokenizer`, else the checkpoint.
  const std::string &tokenizerPath() const { return tokenizer.empty() ? model : tokenizer; }
  /// `adapter` as a list: paths between commas, unless there is something at the whole of it.
  std::vector<std::string> adapterPaths() const;
};

/// Keys of every command: train's and those of the others.
struct Config : TrainConfig {
  std::string prompt;               ///< generate
  std::string messages;             ///< generate: a JSON list of {role, content}
  int64_t maxNewTokens = 128;       ///< generate, eval
  double temperature = 0;           ///< generate: 0 is greedy
  int64_t topK = 0;                 ///< generate: 0 is all
  double topP = 1;                  ///< generate
  double repetitionPenalty = 1;     ///< generate
  std::vector<std::string> stop;    ///< generate: texts that end it
  std::string measure = "step";     ///< bench
  int64_t steps = 6;                ///< bench: measured steps
  int64_t rows = 4;                 ///< data preview: rows shown
  int64_t first = 0;                ///< data batches: first step printed
  std::string format;               ///< merge, export: hf, peft, gguf; empty: by output_dir
  std::string rounding = "nearest"; ///< merge: or "stochastic"
  bool verify = false;              ///< merge: compare logits before and after
  bool json = false;                ///< the result as one JSON object

  bool operator==(const Config &) const = default;
};

} // namespace mlora
