// The table of keys, and values read by it.
#include "Support.h"

#include <algorithm>
#include <set>

namespace mlora::test {

TEST(Keys, NamesAndAliasesAreUnique) {
  std::set<std::string_view> names;
  for (const Key &key : keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    for (std::string_view alias : key.aliases)
      EXPECT_TRUE(names.insert(alias).second) << alias;
  }
}

TEST(Keys, AliasesOfFormats) {
  std::pair<const char *, const char *> pairs[] = {{"base_model", "model_name_or_path"},
                                                   {"model", "model_name_or_path"},
                                                   {"lora_rank", "lora_r"},
                                                   {"lora_target", "lora_target_modules"},
                                                   {"cutoff_len", "max_length"},
                                                   {"sequence_len", "max_length"},
                                                   {"micro_batch_size", "per_device_train_batch_size"},
                                                   {"num_epochs", "num_train_epochs"},
                                                   {"epochs", "num_train_epochs"},
                                                   {"lr", "learning_rate"},
                                                   {"lr_scheduler", "lr_scheduler_type"},
                                                   {"sample_packing", "packing"},
                                                   {"output", "output_dir"}};
  for (auto [alias, name] : pairs) {
    ASSERT_NE(findKey(alias), nullptr) << alias;
    EXPECT_EQ(findKey(alias)->name, name);
  }
}

TEST(Keys, DefaultsOfTheContract) {
  std::pair<const char *, const char *> pairs[] = {{"num_branches", "3"},
                                                   {"lora_r", "32"},
                                                   {"lora_alpha", "lora_r"},
                                                   {"lora_dropout", "0"},
                                                   {"max_length", "1024; of eval the model's positions"},
                                                   {"packing", "true"},
                                                   {"per_device_train_batch_size", "1"},
                                                   {"gradient_accumulation_steps", "1"},
                                                   {"num_train_epochs", "2"},
                                                   {"lr_scheduler_type", "linear"},
                                                   {"warmup_ratio", "0.05"},
                                                   {"weight_decay", "0"},
                                                   {"max_grad_norm", "1"},
                                                   {"adam_beta1", "0.9"},
                                                   {"adam_beta2", "0.999"},
                                                   {"adam_epsilon", "1e-08"}};
  for (auto [name, text] : pairs)
    EXPECT_EQ(defaultText(*findKey(name)), text) << name;
}

TEST(Keys, NearestCountsSwaps) {
  EXPECT_EQ(nearestKey("learing_rate", Command::Train), "learning_rate");
  EXPECT_EQ(nearestKey("pakcing", Command::Train), "packing");
  EXPECT_EQ(nearestKey("max_lenght", Command::Train), "max_length");
  EXPECT_EQ(nearestKey("promt", Command::Generate), "prompt");
}

TEST(Keys, HelpDocumentsEveryKeyOfTheCommand) {
  std::string help = helpText(Command::Train, "train", "Trains.");
  for (const Key &key : keys()) {
    bool named = help.find("\n" + std::string(key.name)) != std::string::npos;
    EXPECT_EQ(named, contains(key.commands, Command::Train)) << key.name;
    EXPECT_FALSE(key.doc.empty()) << key.name;
  }
  EXPECT_NE(help.find("default: 0.05"), std::string::npos);
}

TEST(CommandLine, EveryFormOfAKey) {
  for (std::vector<std::string> words :
       std::initializer_list<std::vector<std::string>>{{"max_length=77"},
                                                       {"--max_length", "77"},
                                                       {"--max_length=77"},
                                                       {"--max-length", "77"},
                                                       {"cutoff_len=77"}})
    EXPECT_EQ(readTrain(words).config.maxLength, 77) << words[0];
  EXPECT_TRUE(readTrain({"packing=false", "--packing"}).config.packing);
  EXPECT_FALSE(readTrain({"--packing", "false"}).config.packing);
  EXPECT_FALSE(readTrain({"--packing=no"}).config.packing);
  EXPECT_EQ(readTrain({"--max_steps", "-1"}).config.maxSteps, -1);
  EXPECT_EQ(readTrain({"seed=1", "seed=2"}).config.seed, 2u);
  EXPECT_EQ(readTrain({"adapter=a=b"}).config.adapter, "a=b");
}

TEST(CommandLine, Lists) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(readTrain({"lora_target_modules=q_proj,v_proj"}).config.targetModules,
            (Strings{"q_proj", "v_proj"}));
  EXPECT_EQ(readTrain({"lora_target_modules=[q_proj, v_proj]"}).config.targetModules,
            (Strings{"q_proj", "v_proj"}));
  EXPECT_EQ(readTrain({"lora_target_modules=all-linear"}).config.targetModules.size(), 7u);
  EXPECT_EQ(
      readArguments(Command::Merge, std::vector<std::string>{"model=m", "adapter=[a, b]", "output_dir=o"})
          .config.adapterPaths(),
      (Strings{"a", "b"}));
  EXPECT_EQ(readTrain({"datasets=a.json,b.json"}).config.datasets[1].path, "b.json");
  DatasetSpec spec =
      readTrain({"datasets=[{path: x, task: text, limit: 3, weight: 0.5}]"}).config.datasets.at(0);
  EXPECT_EQ(spec, (DatasetSpec{.path = "x", .task = "text", .limit = 3, .weight = 0.5}));
}

TEST(CommandLine, NumbersWithUnits) {
  EXPECT_EQ(readTrain({"memory_budget=2GiB"}).config.memoryBudget, int64_t(2) << 30);
  EXPECT_EQ(readTrain({"memory_budget=100"}).config.memoryBudget, 100);
  EXPECT_SAYS(trainComplaint({"memory_budget=2GB"}), "memory_budget: expected bytes");
  EXPECT_SAYS(trainComplaint({"memory_budget=9999999999999GiB"}), "expected bytes");
}

TEST(CommandLine, IllTypedValues) {
  std::pair<const char *, const char *> cases[] = {
      {"max_length=abc", "command line: max_length: expected a whole number from 2 to 16777216, got 'abc'"},
      {"max_length=1e3", "expected a whole number"},
      {"max_length=1", "expected a whole number from 2 to 16777216, got '1'"},
      {"max_length=", "expected a whole number"},
      {"max_length=99999999999999999999", "expected a whole number"},
      {"learning_rate=fast", "learning_rate: expected a number >= 0, got 'fast'"},
      {"learning_rate=nan", "expected a number"},
      {"learning_rate=-1", "expected a number >= 0"},
      {"warmup_ratio=2", "expected a number from 0 to 1, got '2'"},
      {"packing=maybe", "packing: expected true or false, got 'maybe'"},
      {"method=qlora", "method: expected one of multilora, lora, ft, none, got 'qlora'"},
      {"seed=-1", "seed: expected a whole number"},
      {"report_to=jsonl,paper", "expected a list of one of jsonl, tensorboard, html, none, got 'paper'"},
      {"datasets=[{path: x, limit: some}]", "datasets.limit: expected a whole number"},
      {"datasets=[{path: x, wieght: 1}]", "did you mean `weight`"},
      {"datasets=[{path: x, path: y}]", "each key once"},
      {"datasets=[{path: x, num_fewshot: 5}]", "rows that are trained have no shots"},
      {"eval_tasks=[{path: x, weight: 2}]", "every row is scored once"},
      {"num_threads=100000", "num_threads: expected a whole number from 0 to 1024"},
      {"datasets=[{task: text}]", "an entry `path`"},
      {"datasets=[[x]]", "a path or {path"},
      {"datasets=[{path: x", "datasets: expected a list of paths"},
  };
  for (auto [word, part] : cases)
    EXPECT_SAYS(trainComplaint({word}), part);
}

TEST(CommandLine, MistakesInWords) {
  EXPECT_SAYS(trainComplaint({"learing_rate=1"}),
              "unknown key 'learing_rate': did you mean 'learning_rate'?");
  EXPECT_SAYS(trainComplaint({"--maxlength", "5"}), "unknown key 'maxlength': did you mean 'max_length'?");
  EXPECT_SAYS(trainComplaint({"prompt=hello"}), "prompt is a key of generate or merge, not of `train`");
  EXPECT_SAYS(complaint(Command::Generate, {"model=m", "lora_r=3"}),
              "lora_r is a key of train, plan or bench, not of `generate`");
  EXPECT_SAYS(trainComplaint({"num_branches=100000"}), "num_branches: expected a whole number from 1 to 256");
  EXPECT_SAYS(trainComplaint({"--seed"}), "--seed needs a value");
  EXPECT_SAYS(trainComplaint({"surprise"}), "unexpected 'surprise'");
  EXPECT_SAYS(trainComplaint({"-x"}), "'-x' is no option");
}

TEST(CommandLine, RequiredKeys) {
  auto says = [](std::vector<std::string> words) { return complaint(Command::Train, words); };
  EXPECT_SAYS(says({}), "needs model_name_or_path");
  EXPECT_SAYS(says({"model=m"}), "needs datasets");
  EXPECT_SAYS(says({"model=m", "datasets=d"}), "needs output_dir");
  EXPECT_SAYS(says({"model=m", "datasets=d", "output_dir="}), "output_dir: is empty");
  EXPECT_SAYS(says({"model=m", "datasets=", "output_dir=o"}), "datasets: is empty");
  EXPECT_SAYS(complaint(Command::Merge, {"model=m", "adapter=,", "output_dir=o"}), "adapter: is empty");
  EXPECT_SAYS(complaint(Command::Eval, {"model=m", "eval_tasks=[]"}), "eval_tasks: is empty");
  EXPECT_EQ(complaint(Command::Data, {"preview", "datasets=d"}), "");
  // The words of train serve data too.
  EXPECT_EQ(complaint(Command::Data,
                      {"preview", "datasets=d", "lora_r=3", "--learning_rate", "1e-3", "output_dir=o"}),
            "");
}

TEST(CommandLine, HelpNeedsNothingElse) {
  EXPECT_TRUE(readArguments(Command::Train, std::vector<std::string>{"--help"}).help);
}

TEST(CommandLine, WordsOfCommands) {
  std::vector<std::string> words = {"preview", "datasets=d", "--rows", "2"};
  Arguments arguments = readArguments(Command::Data, words, 1);
  EXPECT_EQ(arguments.words, std::vector<std::string>{"preview"});
  EXPECT_EQ(arguments.config.rows, 2);
}

TEST(Resolve, DefaultsThatDependOnOtherKeys) {
  EXPECT_EQ(readTrain({"lora_r=8"}).config.loraAlpha, 8);
  EXPECT_EQ(readTrain({"lora_r=8", "lora_alpha=16"}).config.loraAlpha, 16);
  EXPECT_EQ(readTrain({}).config.learningRate, 5e-5);
  EXPECT_EQ(readTrain({"method=ft"}).config.learningRate, 5e-6);
  EXPECT_EQ(readTrain({"method=lora"}).config.numBranches, 1);
}

TEST(Resolve, Contradictions) {
  EXPECT_SAYS(trainComplaint({"method=lora", "num_branches=2"}), "method=lora has one branch, got 2");
  EXPECT_SAYS(trainComplaint({"lora_target_modules=q_prj"}), "matches no projection: did you mean 'q_proj'?");
  EXPECT_SAYS(trainComplaint({"lora_target_modules=q_proj,q_proj"}), "named twice");
  EXPECT_SAYS(trainComplaint({"lora_target_modules="}), "at least one projection");
  EXPECT_SAYS(trainComplaint({"load_best_model_at_end=true"}), "needs `validation`");
  EXPECT_SAYS(trainComplaint({"adam_beta2=1"}), "less than 1");
  auto generates = [](const std::string &word) { return complaint(Command::Generate, {"model=m", word}); };
  EXPECT_SAYS(generates("messages="), "messages: is empty");
  EXPECT_SAYS(generates("stop=[\"\"]"), "would end every text at once");
  EXPECT_SAYS(generates("repetition_penalty=0"), "repetition_penalty: expected a number from 0.01 to 100");
  EXPECT_SAYS(generates("max_new_tokens=9223372036854775807"),
              "max_new_tokens: expected a whole number from 1 to");
}

TEST(Resolve, TheEmulatorIsNotTimed) {
  EXPECT_SAYS(complaint(Command::Bench, {"model=m", "device=emulate"}), "tells nothing about a GPU's");
  EXPECT_EQ(trainComplaint({"device=emulate"}), "");
  EXPECT_EQ(trainComplaint({"device=cuda"}), "");
  EXPECT_EQ(trainComplaint({"device=emulate", "dtype=bf16"}), "");
  EXPECT_EQ(trainComplaint({"device=cuda", "dtype=bf16"}), "");
}

TEST(Resolve, AChipIsAGpus) {
  EXPECT_EQ(readTrain({}).config.chip, "auto");
  EXPECT_EQ(readTrain({"device=emulate", "chip=sm_90a"}).config.chip, "sm_90a");
  EXPECT_EQ(trainComplaint({"device=cuda", "chip=sm_90"}), "");
  EXPECT_SAYS(trainComplaint({"chip=sm_90a"}), "chip: is of a GPU's kernels");
  EXPECT_SAYS(trainComplaint({"device=emulate", "chip=sm_75"}),
              "chip: expected one of auto, sm_80, sm_90, sm_90a, sm_100, got 'sm_75'");
}

TEST(Resolve, OffloadIsOfAGpusMemory) {
  EXPECT_EQ(trainComplaint({"offload=none"}), "");
  for (const char *word : {"offload=optimizer", "offload=base", "offload=all"}) {
    EXPECT_EQ(trainComplaint({"device=cuda", word}), "");
    EXPECT_EQ(trainComplaint({"device=emulate", word}), "");
    EXPECT_SAYS(trainComplaint({word}), "with device=cpu all is in the host's");
  }
  EXPECT_EQ(trainComplaint({"device=cuda", "method=ft", "offload=optimizer"}), "");
  for (const char *word : {"offload=base", "offload=all"})
    EXPECT_SAYS(trainComplaint({"device=cuda", "method=ft", word}), "method=ft trains the base");
  EXPECT_SAYS(trainComplaint({"device=cuda", "offload=disk"}),
              "offload: expected one of none, optimizer, base, all, got 'disk'");
}

TEST(Resolve, OnlyBenchTrainsNothing) {
  EXPECT_EQ(complaint(Command::Bench, {"model=x", "method=none"}), "");
  EXPECT_SAYS(trainComplaint({"method=none"}), "method: none trains nothing");
  EXPECT_SAYS(complaint(Command::Bench, {"model=x", "method=none", "device=cuda", "offload=optimizer"}),
              "method=none has no optimizer");
}

TEST(Resolve, WhatIsNotBuiltYetSaysSo) {
  for (const char *word : {"dtype=bf16", "lora_dropout=0.1", "report_to=html"})
    EXPECT_SAYS(trainComplaint({word}), "not built yet");
}

TEST(Resolve, TheBestCheckpointNeedsSomethingToBeBestBy) {
  EXPECT_SAYS(trainComplaint({"metric_for_best_model=average"}), "average needs `eval_tasks`");
  EXPECT_SAYS(trainComplaint({"load_best_model_at_end=true"}), "needs `validation`");
  EXPECT_EQ(trainComplaint({"load_best_model_at_end=true", "metric_for_best_model=average",
                            "eval_tasks=[{path: x, task: rte, num_fewshot: 0}]"}),
            "");
}

} // namespace mlora::test
