// The dispatch table.
#include "mlora/Runtime/Cli/Commands.h"

namespace mlora {

std::span<const CommandSpec> commands() {
  static constexpr CommandSpec table[] = {
      {Command::Train, "train [config.yaml]... [key=value | --key value | --flag]...",
       "Trains an adapter, or every weight (method=ft), and writes output_dir.", 0, runTrain},
      {Command::Eval, "eval [config.yaml]... [key=value | --key value | --flag]...",
       "Scores tasks: a table, and in output_dir results.json and samples as lm-evaluation-harness writes "
       "them.",
       0, runEval},
      {Command::Generate, "generate [config.yaml]... [key=value | --key value | --flag]...",
       "Continues a prompt, messages, or standard input.", 0, runGenerate},
      {Command::Merge, "merge [config.yaml]... [key=value | --key value | --flag]...",
       "Folds an adapter into its base model: a dense Hugging Face folder or GGUF file.", 0, runMerge},
      {Command::Export, "export [config.yaml]... [key=value | --key value | --flag]...",
       "Writes an adapter for other programs: a PEFT folder, or a GGUF adapter for llama.cpp.", 0, runExport},
      {Command::Analyze, "analyze [config.yaml]... [key=value]...", "Spectra and subspaces of weight updates."},
      {Command::Plan, "plan [config.yaml]... [key=value]...", "Predicts memory, work and time; runs nothing."},
      {Command::Data, "data preview|batches|tasks [config.yaml]... [key=value | --key value | --flag]...",
       "preview: tokens, labels and boundaries of the first rows. batches: what train would consume, a JSON "
       "line a "
       "micro-batch, steps counted from 0. Other keys of train are accepted and change nothing.",
       1, runData},
      {Command::Bench, "bench [config.yaml]... [key=value | --key value | --flag]...",
       "Measures a training step, its parts, and the machine's limits beside them.", 0, runBench},
      {Command::Inspect, "inspect [PATH] [key=value | --key value | --flag]...",
       "Says what a checkpoint, adapter, tokenizer or bundle holds, with its fingerprint.", 1, runInspect},
  };
  return table;
}

} // namespace mlora
