// The table of keys. Names are CLI.md's (a contract), aliases those of FORMATS section 4.
#include "mlora/Runtime/Config/Keys.h"

#include <algorithm>

namespace mlora {
namespace {

using enum Command;

constexpr CommandSet steps = Train | Data | Plan;         // whoever counts steps
constexpr CommandSet shape = Train | Data | Plan | Bench; // whoever builds batches
constexpr CommandSet adapted = Train | Plan | Bench;      // whoever makes an adapter
constexpr CommandSet loads = Train | Eval | Generate | Merge | Export | Plan | Data | Bench;
constexpr CommandSet computes = Train | Eval | Generate | Bench | Plan;
constexpr CommandSet all = ~0u;
constexpr double longest = 1 << 24; // tokens: beyond every context, and far from overflow

const std::vector<Key> &table() {
  static const std::vector<Key> entries = {
      {.name = "model_name_or_path",
       .aliases = {"base_model", "model"},
       .field = &Config::model,
       .commands = loads | Inspect | Analyze,
       .doc = "the base model: a Hugging Face folder or a .gguf file",
       .required = Train | Eval | Generate | Merge | Bench},
      {.name = "adapter",
       .field = &Config::adapter,
       .commands = loads | Inspect | Analyze,
       .doc =
           "an adapter: train starts from it, eval, generate and merge apply it, export writes it for others; merge takes several, as a list or "
           "with commas between, or the one folder of weights that method=ft saved",
       .required = Merge | Export,
       .joined = true},
      {.name = "tokenizer",
       .field = &Config::tokenizer,
       .commands = loads | Inspect,
       .doc = "a folder or file with a tokenizer, where the checkpoint has none",
       .defaultDoc = "the checkpoint's"},
      {.name = "method",
       .field = &Config::method,
       .commands = adapted,
       .doc = "what is trained: n parallel branches, one LoRA, every weight, or (bench alone) nothing",
       .choices = {"multilora", "lora", "ft", "none"}},
      {.name = "num_branches",
       .field = &Config::numBranches,
       .commands = adapted,
       .doc = "branches of multilora (lora has one)",
       .least = 1,
       .greatest = 256},
      {.name = "lora_r",
       .aliases = {"lora_rank"},
       .field = &Config::loraR,
       .commands = adapted,
       .doc = "rank of each branch",
       .least = 1,
       .greatest = 1 << 20},
      {.name = "lora_alpha",
       .field = &Config::loraAlpha,
       .commands = adapted,
       .doc = "a branch is scaled by lora_alpha / lora_r",
       .defaultDoc = "lora_r"},
      {.name = "lora_dropout",
       .field = &Config::loraDropout,
       .commands = adapted,
       .doc = "dropout before the branches (0 only, so far)",
       .greatest = 1},
      {.name = "lora_target_modules",
       .aliases = {"lora_target"},
       .field = &Config::targetModules,
       .commands = adapted,
       .doc = "projections that get branches: a list, or `all-linear`"},

      {.name = "datasets",
       .field = &Config::datasets,
       .commands = Train | Data,
       .doc = "a list of {path, task, split, limit, weight, seed}, or of paths; task (`mlora-run data tasks` "
              "lists "
              "them): told "
              "from the rows' keys when absent",
       .required = Train | Data},
      {.name = "validation",
       .field = &Config::validation,
       .commands = Train | Data,
       .doc = "held-out rows in the same form: their loss is measured before, every eval_steps and after"},
      {.name = "eval_tasks",
       .field = &Config::evalTasks,
       .commands = Train | Eval,
       .doc =
           "tasks to score (train: before, every eval_steps and after): a list of {path, task, split, limit, "
           "seed, num_fewshot}",
       .required = CommandSet(Eval)},
      {.name = "max_length",
       .aliases = {"cutoff_len", "sequence_len"},
       .field = &Config::maxLength,
       .commands = shape | Eval,
       .doc = "tokens of a sequence; a longer row is cut at its end, and counted. For eval the context, into "
              "which "
              "prompts are cut on the left, where the command line gives it (else the model's positions)",
       .least = 2,
       .greatest = longest,
       .defaultDoc = "1024; of eval the model's positions"},
      {.name = "packing",
       .aliases = {"sample_packing"},
       .field = &Config::packing,
       .commands = steps,
       .doc = "fill sequences with several rows; they do not attend to one another"},
      {.name = "shuffle",
       .field = &Config::shuffle,
       .commands = steps,
       .doc = "a new order of the data in each epoch, decided by seed and epoch alone"},

      {.name = "per_device_train_batch_size",
       .aliases = {"micro_batch_size"},
       .field = &Config::batchSize,
       .commands = shape,
       .doc = "sequences of a micro-batch",
       .least = 1},
      {.name = "gradient_accumulation_steps",
       .field = &Config::accumulation,
       .commands = shape,
       .doc = "micro-batches of an optimizer step",
       .least = 1},
      {.name = "num_train_epochs",
       .aliases = {"num_epochs", "epochs"},
       .field = &Config::epochs,
       .commands = steps,
       .doc = "times that the data is seen"},
      {.name = "max_steps",
       .field = &Config::maxSteps,
       .commands = steps,
       .doc = "optimizer steps, whatever num_train_epochs says; 0 writes the initial adapter and stops",
       .least = -1,
       .defaultDoc = "from num_train_epochs"},
      {.name = "seed",
       .field = &Config::seed,
       .commands = shape | Generate | Eval | Merge,
       .doc = "decides the initial adapter, the order of the data, what generate draws, bench's tokens, and stochastic rounding"},

      {.name = "learning_rate",
       .aliases = {"lr"},
       .field = &Config::learningRate,
       .commands = Train | Bench,
       .doc = "highest rate of the schedule",
       .defaultDoc = "5e-5; 5e-6 for method=ft"},
      {.name = "lr_scheduler_type",
       .aliases = {"lr_scheduler"},
       .field = &Config::schedule,
       .commands = CommandSet(Train),
       .doc = "how the rate goes on after the warm-up",
       .choices = {"linear", "constant"}},
      {.name = "warmup_ratio",
       .field = &Config::warmupRatio,
       .commands = CommandSet(Train),
       .doc = "the rate rises from 0 over ceil(ratio * steps) steps",
       .greatest = 1},
      {.name = "weight_decay",
       .field = &Config::weightDecay,
       .commands = Train | Bench,
       .doc = "decoupled decay of AdamW"},
      {.name = "max_grad_norm",
       .field = &Config::maxGradNorm,
       .commands = Train | Bench,
       .doc = "gradients are scaled down to this norm; 0: never"},
      {.name = "adam_beta1",
       .field = &Config::adamBeta1,
       .commands = Train | Bench,
       .doc = "AdamW's decay of the mean gradient",
       .greatest = 1},
      {.name = "adam_beta2",
       .field = &Config::adamBeta2,
       .commands = Train | Bench,
       .doc = "AdamW's decay of the mean squared gradient",
       .greatest = 1},
      {.name = "adam_epsilon",
       .field = &Config::adamEpsilon,
       .commands = Train | Bench,
       .doc = "added to the root of the mean squared gradient"},

      {.name = "logging_steps",
       .field = &Config::loggingSteps,
       .commands = CommandSet(Train),
       .doc = "steps between lines of the log",
       .least = 1},
      {.name = "eval_steps",
       .field = &Config::evalSteps,
       .commands = CommandSet(Train),
       .doc = "steps between measurements of the validation loss and the tasks; 0: at the start and the end"},
      {.name = "save_steps",
       .field = &Config::saveSteps,
       .commands = CommandSet(Train),
       .doc = "steps between checkpoints; 0: at the end only"},
      {.name = "save_total_limit",
       .field = &Config::saveTotalLimit,
       .commands = CommandSet(Train),
       .doc = "checkpoints that are kept, the newest; 0: all"},
      {.name = "load_best_model_at_end",
       .field = &Config::loadBestModelAtEnd,
       .commands = CommandSet(Train),
       .doc = "the output is the best checkpoint, not the last one"},
      {.name = "metric_for_best_model",
       .field = &Config::metricForBestModel,
       .commands = CommandSet(Train),
       .doc = "what best means: the validation loss, or the unweighted mean over those of MMLU, BoolQ, "
              "MultiRC, RTE and WiC that are among eval_tasks",
       .choices = {"loss", "average"}},
      {.name = "resume_from_checkpoint",
       .field = &Config::resume,
       .commands = CommandSet(Train),
       .doc = "a checkpoint folder, or `auto`: the newest whole one of output_dir, else the start"},
      {.name = "output_dir",
       .aliases = {"output"},
       .field = &Config::outputDir,
       .commands = Train | Merge | Eval | Export | Analyze,
       .doc = "the folder to write",
       .required = Train | Merge | Export},
      {.name = "device",
       .field = &Config::device,
       .commands = computes,
       .doc =
           "what computes: cpu, cuda (an NVIDIA GPU; no run on one has been seen yet), or emulate (the GPU's "
           "kernels, checked access by access, on the CPU)",
       .choices = {"cpu", "cuda", "emulate"}},
      {.name = "chip",
       .field = &Config::chip,
       .commands = computes,
       .doc =
           "what a GPU's kernels are made for (attention on sm_90a is by wgmma); auto: with device=cuda the "
           "GPU's own, with device=emulate sm_80",
       .choices = {"auto", "sm_80", "sm_90", "sm_90a", "sm_100"}},
      {.name = "dtype",
       .field = &Config::dtype,
       .commands = computes | Merge,
       .doc = "type of the weights: merge writes f32, f16, bf16 or (GGUF) q8_0, unless told as the base has "
              "them; "
              "the others compute in f32, or with device=cuda or emulate in "
              "bf16 (weights and activations; sums and what is trained stay f32)",
       .choices = {"f32", "bf16", "f16", "q8_0"},
       .defaultDoc = "f32; of merge as the base has it"},
      {.name = "quantized",
       .field = &Config::quantized,
       .commands = Eval | Generate | Bench,
       .doc = "auto: with device=cpu, weights stay in memory as the checkpoint stores them (GGUF's blocks, "
              "bf16, f16) and are "
              "unpacked as they are read, activations are f32; a type that programs do not read becomes f32; "
              "false: all become f32 first",
       .choices = {"auto", "false"}},
      {.name = "weights",
       .field = &Config::weights,
       .commands = CommandSet(Bench),
       .doc = "where weights come from: the checkpoint, or random ones that need its config.json alone",
       .choices = {"checkpoint", "random"}},
      {.name = "num_threads",
       .field = &Config::numThreads,
       .commands = computes | Merge,
       .doc = "threads; results do not depend on it",
       .greatest = 1024,
       .defaultDoc = "the cores that this process may use"},
      {.name = "memory_budget",
       .field = &Config::memoryBudget,
       .commands = Train | Plan | Bench,
       .doc = "bytes (or 900MiB, 2GiB) of the arena (weights, adapters, activations) to stay below by "
              "recomputing activations; scratch and the process come on top",
       .defaultDoc = "no limit",
       .bytes = true},
      {.name = "offload",
       .field = &Config::offload,
       .commands = Train | Plan | Bench,
       .doc = "what lives in the host's memory, pinned, instead of a GPU's: the optimizer's moments, the "
              "base's frozen "
              "layers (copied behind compute), or all of these",
       .choices = {"none", "optimizer", "base", "all"}},
      {.name = "report_to",
       .field = &Config::reportTo,
       .commands = CommandSet(Train),
       .doc = "logs to write (html is not built yet)",
       .choices = {"jsonl", "tensorboard", "html", "none"}},

      {.name = "format",
       .field = &Config::format,
       .commands = Merge | Export,
       .doc =
           "what is written: merge hf (a folder) or gguf (a file), export peft (a folder) or gguf (a file)",
       .choices = {"hf", "peft", "gguf"},
       .defaultDoc = "gguf where output_dir ends in .gguf, else a folder"},
      {.name = "rounding",
       .field = &Config::rounding,
       .commands = CommandSet(Merge),
       .doc = "how merged weights are rounded: to the nearest, or up or down by chance (seed), which keeps "
              "small "
              "updates in the mean",
       .choices = {"nearest", "stochastic"}},
      {.name = "verify",
       .field = &Config::verify,
       .commands = CommandSet(Merge),
       .doc =
           "afterwards compare the logits of base and adapter (or of what method=ft saved) with the merged "
           "model's, on `prompt`"},
      {.name = "prompt",
       .field = &Config::prompt,
       .commands = Generate | Merge,
       .doc = "text to continue; merge: to verify on",
       .defaultDoc = "standard input; merge: a sentence"},
      {.name = "messages",
       .field = &Config::messages,
       .commands = CommandSet(Generate),
       .doc = "a JSON list of {\"role\", \"content\"} for the chat template"},
      {.name = "max_new_tokens",
       .field = &Config::maxNewTokens,
       .commands = Generate | Eval,
       .doc = "tokens at most of a generated text",
       .least = 1,
       .greatest = longest,
       .defaultDoc = "128; for eval the task's own"},
      {.name = "temperature",
       .field = &Config::temperature,
       .commands = CommandSet(Generate),
       .doc = "logits are divided by it before a token is drawn; 0: greedy"},
      {.name = "top_k",
       .field = &Config::topK,
       .commands = CommandSet(Generate),
       .doc = "draw from so many of the likeliest tokens only; 0: all"},
      {.name = "top_p",
       .field = &Config::topP,
       .commands = CommandSet(Generate),
       .doc = "draw from the fewest of the likeliest tokens whose probabilities reach it",
       .greatest = 1},
      {.name = "repetition_penalty",
       .field = &Config::repetitionPenalty,
       .commands = CommandSet(Generate),
       .doc = "makes tokens of prompt and text less likely; 1: does not",
       .least = 0.01,
       .greatest = 100},
      {.name = "stop",
       .field = &Config::stop,
       .commands = CommandSet(Generate),
       .doc = "texts that end the text, and are no part of it: a list"},
      {.name = "measure",
       .field = &Config::measure,
       .commands = CommandSet(Bench),
       .doc = "what is measured: a training step; prefill, a prompt of max_length (or 512) tokens; or "
              "decode, tokens "
              "of one text",
       .choices = {"step", "prefill", "decode"}},
      {.name = "steps",
       .field = &Config::steps,
       .commands = CommandSet(Bench),
       .doc = "steps that are measured",
       .least = 1},
      {.name = "rows",
       .field = &Config::rows,
       .commands = CommandSet(Data),
       .doc = "preview: rows of the first epoch that are shown",
       .least = 1},
      {.name = "first",
       .field = &Config::first,
       .commands = CommandSet(Data),
       .doc = "batches: the first step that is printed, counted from 0"},
      {.name = "json", .field = &Config::json, .commands = all, .doc = "the result as one JSON object"},
  };
  return entries;
}

} // namespace

std::span<const Key> keys() { return table(); }

std::string_view commandName(Command command) {
  switch (command) {
  case Train:
    return "train";
  case Eval:
    return "eval";
  case Generate:
    return "generate";
  case Merge:
    return "merge";
  case Export:
    return "export";
  case Analyze:
    return "analyze";
  case Plan:
    return "plan";
  case Data:
    return "data";
  case Bench:
    return "bench";
  case Inspect:
    return "inspect";
  }
  return "";
}

const Key *findKey(std::string_view name) {
  std::string plain(name);
  std::ranges::replace(plain, '-', '_');
  for (const Key &key : keys())
    if (key.name == plain || std::ranges::find(key.aliases, plain) != key.aliases.end())
      return &key;
  return nullptr;
}

std::string_view nearestKey(std::string_view name, Command command) {
  std::vector<std::string_view> candidates;
  for (const Key &key : keys())
    if (contains(key.commands, command)) {
      candidates.push_back(key.name);
      candidates.insert(candidates.end(), key.aliases.begin(), key.aliases.end());
    }
  return nearest(name, candidates);
}

} // namespace mlora
