// `mlora-run train` on the toy: what it writes, and that nothing that happens to it changes the result.
#include "Toy.h"

#include "../Expect.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace mlora;
using namespace mlora::test;
namespace fs = std::filesystem;

namespace {

struct TrainTest : testing::Test {
  Toy toy;

  fs::path at(const std::string &path) { return toy.folder / path; }
  std::vector<nlohmann::json> log(const std::string &output) {
    std::vector<nlohmann::json> lines;
    std::ifstream file(at(output + "/trainer_log.jsonl"));
    for (std::string line; std::getline(file, line);)
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  std::vector<std::string> checkpoints(const std::string &output) {
    std::vector<std::string> names;
    for (const auto &entry : fs::directory_iterator(at(output)))
      if (entry.path().filename().string().starts_with("checkpoint-"))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  /// Starts `train` in the background and waits until its log has so many lines.
  pid_t start(const std::string &words, const std::string &output, size_t lines) {
    pid_t child = fork();
    if (child == 0) {
      execl("/bin/sh", "sh", "-c", toy.command(words).c_str(), nullptr);
      _exit(127);
    }
    for (int i = 0; i < 2000 && log(output).size() < lines; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return child;
  }
  static int wait(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
};

TEST_F(TrainTest, AnotherLengthCompilesNothing) {
  Toy::Result first = toy.run(Toy::train("long", "max_steps=1")),
              second = toy.run(Toy::train("short", "max_steps=1 max_length=6 per_device_train_batch_size=3"));
  ASSERT_EQ(first.status, 0) << first.err;
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_NE(first.err.find("compiling"), std::string::npos);
  EXPECT_EQ(second.err.find("compiling"), std::string::npos) << second.err;
}

TEST_F(TrainTest, WritesTheOutputOfTheContract) {
  Toy::Result result =
      toy.run(Toy::train("out", "max_steps=6 save_steps=2 save_total_limit=2 validation=rows.jsonl "
                                "eval_steps=3 gradient_accumulation_steps=2"));
  ASSERT_EQ(result.status, 0) << result.err;
  for (const char *name : {"adapter_model.safetensors", "adapter_config.json", "mlora_adapter.safetensors",
                           "mlora_config.json", "trainer_log.jsonl", "config.yaml", "runs"})
    EXPECT_TRUE(fs::exists(at("out") / name)) << name;
  EXPECT_EQ(checkpoints("out"), (std::vector<std::string>{"checkpoint-4", "checkpoint-6"}));
  for (const char *name : {"mlora_adapter.safetensors", "adapter_model.safetensors", "optimizer.safetensors",
                           "trainer_state.json"})
    EXPECT_TRUE(fs::exists(at("out/checkpoint-6") / name)) << name;
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"),
            toy.bytes("out/checkpoint-6/mlora_adapter.safetensors"));

  std::vector<nlohmann::json> lines = log("out");
  // Validation before, six steps, validation after steps 3 and 6.
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_EQ(lines[0]["current_steps"], 0);
  EXPECT_TRUE(lines[0].contains("eval_loss"));
  EXPECT_EQ(lines[1]["current_steps"], 1);
  EXPECT_EQ(lines[1]["lr"], 0.0);
  EXPECT_EQ(lines[1]["total_steps"], 6);
  EXPECT_EQ(lines[2]["lr"], 0.05);
  EXPECT_EQ(lines[4]["current_steps"], 3);
  EXPECT_TRUE(lines[4].contains("eval_loss"));
  EXPECT_LT(lines[8]["eval_loss"].get<double>(), lines[0]["eval_loss"].get<double>());
  EXPECT_NE(result.err.find("step 6/6"), std::string::npos);
  EXPECT_NE(result.out.find("validation loss after"), std::string::npos);
}

TEST_F(TrainTest, ReportsLossAndNormOfTheWholeAccumulatedBatch) {
  // Step 1 has rate 0: steps 1 and 2 see the initial parameters. By hand, from the batches of `data batches`.
  std::string words = Toy::train("out", "max_steps=1 gradient_accumulation_steps=3");
  ASSERT_EQ(toy.run(words).status, 0);
  ASSERT_EQ(
      toy.run("data batches model=model datasets=rows.jsonl max_length=16 gradient_accumulation_steps=3 "
              "max_steps=1")
          .status,
      0);
  SafetensorsFile adapter(at("out/mlora_adapter.safetensors"));
  std::vector<float> elements;
  for (const SafetensorsEntry &entry : adapter.tensors())
    for (float value : adapter.floats(entry.name))
      elements.push_back(value);
  ASSERT_EQ(elements.size(), 24u);
  std::vector<double> gradient(24, 0);
  double loss = 0, counted = 0;
  std::ifstream batches(at("out.txt"));
  int micro = 0;
  for (std::string line; std::getline(batches, line); ++micro) {
    nlohmann::json batch = nlohmann::json::parse(line);
    for (const auto &row : batch["labels"])
      for (int label : row) {
        if (label < 0)
          continue;
        counted += 1;
        for (size_t e = 0; e < 24; ++e) {
          double difference = elements[e] - label / 16.0;
          loss += 0.5 * difference * difference;
          gradient[e] += difference;
        }
      }
  }
  EXPECT_EQ(micro, 3);
  double norm = 0;
  for (double value : gradient)
    norm += value * value;
  nlohmann::json line = log("out").at(0);
  EXPECT_NEAR(line["loss"], loss / counted, 1e-5);
  EXPECT_NEAR(line["grad_norm"], std::sqrt(norm) / counted, 1e-5);
}

TEST_F(TrainTest, ResumingGivesTheSameBits) {
  std::string common = "max_steps=9 save_steps=4 num_train_epochs=3 validation=rows.jsonl eval_steps=4";
  ASSERT_EQ(toy.run(Toy::train("whole", common)).status, 0);
  // An explicit folder, into another output_dir.
  Toy::Result result =
      toy.run(Toy::train("parts", common + " resume_from_checkpoint=whole/checkpoint-4 report_to=jsonl"));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(toy.bytes("whole/mlora_adapter.safetensors"), toy.bytes("parts/mlora_adapter.safetensors"));
  EXPECT_EQ(toy.bytes("whole/checkpoint-9/optimizer.safetensors"),
            toy.bytes("parts/checkpoint-9/optimizer.safetensors"));
  std::vector<nlohmann::json> whole = log("whole"), parts = log("parts");
  // After the validation of step 4, which is in the earlier log: steps 5 to 9, validations of 8 and 9.
  ASSERT_EQ(parts.size(), 7u);
  EXPECT_EQ(whole.back()["eval_loss"], parts.back()["eval_loss"]);
  EXPECT_EQ(whole.back()["total_tokens"], parts.back()["total_tokens"]);
}

TEST_F(TrainTest, KeepsAConfigurationThatRunsFromAnyFolder) {
  std::string words = Toy::train("out", "max_steps=4 save_steps=2 validation=rows.jsonl");
  ASSERT_EQ(toy.run(words).status, 0);
  std::string expected = toy.bytes("out/mlora_adapter.safetensors");
  std::string kept = toy.bytes("out/config.yaml");
  for (const char *path : {"/model\"", "/rows.jsonl\"", "/out\""})
    EXPECT_NE(kept.find("\"" + toy.folder.path().string() + path), std::string::npos) << path << "\n" << kept;
  fs::remove_all(at("out/checkpoint-4"));
  fs::create_directories(at("elsewhere"));
  Toy::Result result = toy.run("train ../out/config.yaml resume_from_checkpoint=auto", "elsewhere");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("after step 2"), std::string::npos) << result.err;
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"), expected);
}

TEST_F(TrainTest, AutoStartsWhereThereIsNothing) {
  Toy::Result result = toy.run(Toy::train("out", "max_steps=2 resume_from_checkpoint=auto"));
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.err.find("starting from the beginning"), std::string::npos);
  // The run is complete: the second call only writes the output again.
  std::string before = toy.bytes("out/mlora_adapter.safetensors");
  EXPECT_EQ(toy.run(Toy::train("out", "max_steps=2 resume_from_checkpoint=auto")).status, 0);
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"), before);
}

TEST_F(TrainTest, AutoPassesOverWhatIsNotWholeOrNotOfThisRun) {
  std::string words = Toy::train("out", "max_steps=6 save_steps=2");
  ASSERT_EQ(toy.run(words).status, 0);
  std::string expected = toy.bytes("out/mlora_adapter.safetensors");
  fs::resize_file(at("out/checkpoint-6/optimizer.safetensors"), 100);
  fs::resize_file(at("out/checkpoint-4/mlora_adapter.safetensors"), 10);
  Toy::Result result = toy.run(words + " resume_from_checkpoint=auto");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("checkpoint-6 is not whole"), std::string::npos);
  EXPECT_NE(result.err.find("resuming from out/checkpoint-2"), std::string::npos);
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"), expected);
  // A torn state says neither how far it was nor whose it is: ours by the optimizer's file.
  for (const char *state : {"{\"global_step\": 4,", ""}) {
    toy.folder.file("out/checkpoint-4/trainer_state.json", state);
    result = toy.run(words + " resume_from_checkpoint=out/checkpoint-4");
    EXPECT_EQ(result.status, 2);
    EXPECT_NE(result.err.find("out/checkpoint-4: is damaged"), std::string::npos) << result.err;
    fs::remove_all(at("out/checkpoint-6"));
    result = toy.run(words + " resume_from_checkpoint=auto");
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.err.find("checkpoint-4 is not whole"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("resuming from out/checkpoint-2"), std::string::npos) << result.err;
    EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"), expected);
  }
  // A run that was begun anew does not go on from what an older one left.
  ASSERT_EQ(toy.run(Toy::train("out", "max_steps=1 save_steps=0 seed=7")).status, 0);
  fs::remove_all(at("out/checkpoint-1"));
  result = toy.run(Toy::train("out", "max_steps=1 seed=7 resume_from_checkpoint=auto"));
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.err.find("belongs to an earlier run"), std::string::npos);
}

TEST_F(TrainTest, ASignalSavesFirst) {
  std::string words = Toy::train("out", "max_steps=300 save_steps=0 num_train_epochs=100");
  ASSERT_EQ(toy.run(Toy::train("whole", "max_steps=300 save_steps=0")).status, 0);
  for (int signal : {SIGTERM, SIGINT}) {
    pid_t child = start(words + " resume_from_checkpoint=auto", "out", signal == SIGTERM ? 20 : 120);
    kill(child, signal);
    EXPECT_EQ(wait(child), 130) << toy.bytes("err.txt");
    EXPECT_NE(toy.bytes("err.txt").find("interrupted after step"), std::string::npos);
    EXPECT_FALSE(fs::exists(at("out/mlora_adapter.safetensors")));
  }
  EXPECT_EQ(checkpoints("out").size(), 2u);
  ASSERT_EQ(toy.run(words + " resume_from_checkpoint=auto").status, 0);
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"), toy.bytes("whole/mlora_adapter.safetensors"));
  // The log is that of an undisturbed run, times aside.
  std::vector<nlohmann::json> lines = log("out"), whole = log("whole");
  ASSERT_EQ(lines.size(), whole.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["current_steps"], whole[i]["current_steps"]);
    EXPECT_EQ(lines[i]["loss"], whole[i]["loss"]);
  }
}

TEST_F(TrainTest, KilledAtAnyMomentAndResumed) {
  std::string words =
      Toy::train("out", "max_steps=200 save_steps=7 save_total_limit=2 resume_from_checkpoint=auto");
  ASSERT_EQ(toy.run(Toy::train("whole", "max_steps=200 save_steps=7")).status, 0);
  for (size_t lines : {3, 20, 45, 90, 120}) {
    pid_t child = start(words, "out", lines);
    kill(child, SIGKILL);
    wait(child);
  }
  // What a kill may leave while a checkpoint is removed or written.
  toy.folder.file("out/.checkpoint-3.removed/optimizer.safetensors", "");
  toy.folder.file("out/.checkpoint-3.partial-0123456789abcdef/optimizer.safetensors", "");
  // Names that are not quite ours.
  const std::vector<std::string> theirs = {".checkpoint-best.removed", ".checkpoint-3.old.removed",
                                           ".checkpoint-3", ".checkpoint-3.partial-mine"};
  for (const std::string &name : theirs)
    toy.folder.file("out/" + name + "/notes.txt", "");
  ASSERT_EQ(toy.run(words).status, 0) << toy.bytes("err.txt");
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"), toy.bytes("whole/mlora_adapter.safetensors"));
  EXPECT_EQ(checkpoints("out"), (std::vector<std::string>{"checkpoint-196", "checkpoint-200"}));
  for (const std::string &name : theirs) {
    EXPECT_TRUE(fs::exists(at("out") / name / "notes.txt")) << name;
    fs::remove_all(at("out") / name);
  }
  for (const auto &entry : fs::directory_iterator(at("out")))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".checkpoint-")) << entry.path();
}

TEST_F(TrainTest, ALossThatIsNotFiniteStopsTheRun) {
  std::string words =
      "train model=model datasets=bad.jsonl num_branches=1 lora_r=1 lora_target_modules=q_proj "
      "max_steps=3 learning_rate=0.05 output_dir=out";
  Toy::Result result = toy.run(words);
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("step 1: the loss is not a finite number"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(at("out/mlora_adapter.safetensors")));
}

TEST_F(TrainTest, NoStepsWriteTheInitialAdapter) {
  fs::remove(at("compiler")); // not needed
  Toy::Result result = toy.run(Toy::train("out", "max_steps=0"));
  ASSERT_EQ(result.status, 0) << result.err;
  SafetensorsFile adapter(at("out/mlora_adapter.safetensors"));
  EXPECT_EQ(adapter.tensors().size(), 6u);
  EXPECT_EQ(adapter.floats("layers.1.q_proj.branch.0.s"), std::vector<float>(4, 0));
  EXPECT_TRUE(fs::exists(at("out/config.yaml")));
  EXPECT_TRUE(checkpoints("out").empty());
}

TEST_F(TrainTest, StartsFromAnAdapter) {
  ASSERT_EQ(toy.run(Toy::train("first", "max_steps=3")).status, 0);
  ASSERT_EQ(toy.run("train model=model datasets=rows.jsonl max_length=16 adapter=first max_steps=0 "
                    "output_dir=second")
                .status,
            0);
  EXPECT_EQ(toy.bytes("first/mlora_adapter.safetensors"), toy.bytes("second/mlora_adapter.safetensors"));
  Toy::Result result =
      toy.run("train model=model datasets=rows.jsonl adapter=first lora_r=9 output_dir=third");
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("lora_r 9 contradicts the adapter first"), std::string::npos) << result.err;
}

TEST_F(TrainTest, RefusesAnotherBase) {
  ASSERT_EQ(toy.run(Toy::train("out", "max_steps=2")).status, 0);
  std::string before = toy.bytes("out/mlora_adapter.safetensors");
  toy.writeModel("model", 2);
  for (const char *how : {"resume_from_checkpoint=auto", "resume_from_checkpoint=out/checkpoint-2"}) {
    Toy::Result result = toy.run(Toy::train("out", std::string("max_steps=4 ") + how));
    EXPECT_EQ(result.status, 2);
    EXPECT_NE(result.err.find("another base"), std::string::npos) << result.err;
  }
  EXPECT_EQ(toy.run(Toy::train("other", "max_steps=4 adapter=out")).status, 2);
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"), before);
}

TEST_F(TrainTest, RefusesWhatCannotWork) {
  auto refuses = [this](const std::string &words, int status, const std::string &says) {
    Toy::Result result = toy.run(words);
    EXPECT_EQ(result.status, status) << words;
    EXPECT_NE(result.err.find(says), std::string::npos) << result.err;
  };
  refuses(Toy::train("model"), 2, "is the base model's folder");
  refuses(Toy::train("out", "resume_from_checkpoint=nowhere"), 2, "nowhere: is no checkpoint");
  // An adapter or a model that no run wrote is not replaced.
  toy.folder.file("theirs/adapter_model.safetensors", "theirs");
  toy.folder.file("model2/model.safetensors", "theirs");
  refuses(Toy::train("theirs", "max_steps=1"), 2, "holds adapter_model.safetensors");
  refuses("train model=model datasets=rows.jsonl max_length=16 method=ft max_steps=0 output_dir=model2", 2,
          "holds model.safetensors");
  EXPECT_EQ(toy.bytes("theirs/adapter_model.safetensors"), "theirs");
  ASSERT_EQ(toy.run(Toy::train("out", "max_steps=2")).status, 0);
  refuses("train model=model datasets=rows.jsonl max_length=16 num_branches=2 lora_r=1 "
          "lora_target_modules=q_proj "
          "output_dir=out resume_from_checkpoint=auto",
          2, "num_branches 1, but 2 is asked for: ");
  toy.folder.file("file", "");
  refuses(Toy::train("file/out"), 2, "file/out");
}

TEST_F(TrainTest, WhatAnotherProgramWroteStays) {
  // As Hugging Face's Trainer, LLaMA-Factory, Hydra and axolotl write them.
  const std::map<std::string, std::string> theirs = {
      {"checkpoint-1/model.safetensors", "weights"},
      {"checkpoint-1/trainer_state.json",
       R"({"global_step": 1, "max_steps": 3, "epoch": 0.5, "num_input_tokens_seen": 0, "best_metric": null,
           "log_history": []})"},
      {"checkpoint-2/notes.txt", "notes"},
      {"trainer_log.jsonl", "{}"},
      {"runs/Nov24/events.out.tfevents.1", "events"},
      {"config.yaml", "lr: 1"},
      {"config.json", "{}"},
      {"tokenizer.json", "{}"},
      {"adapter_config.json", "{}"}};
  std::string words = " save_steps=1 max_steps=";
  for (const auto &[name, bytes] : theirs)
    for (const char *steps : {"0", "2"}) {
      fs::remove_all(at("out"));
      toy.folder.file("out/" + name, bytes);
      Toy::Result result = toy.run(Toy::train("out", words + steps));
      EXPECT_EQ(result.status, 2) << name;
      EXPECT_NE(result.err.find("output_dir: out holds " + name.substr(0, name.find('/'))), std::string::npos)
          << result.err;
      EXPECT_EQ(toy.bytes("out/" + name), bytes);
      EXPECT_FALSE(fs::exists(at("out/.mlora-run")));
    }
  // All else in the folder is none of our business.
  fs::remove_all(at("out"));
  toy.folder.file("out/notes.txt", "notes");
  EXPECT_EQ(toy.run(Toy::train("out", words + "0")).status, 0);
  EXPECT_TRUE(fs::exists(at("out/.mlora-run"))); // so this is a folder of ours now
  EXPECT_EQ(toy.run(Toy::train("out", words + "2")).status, 0);
  EXPECT_EQ(toy.run(Toy::train("out", words + "2")).status, 0);
  // A checkpoint of theirs in our folder.
  for (const auto &[name, bytes] : theirs) {
    if (!name.starts_with("checkpoint-"))
      continue;
    fs::remove_all(at("out") / name.substr(0, name.find('/')));
    toy.folder.file("out/" + name, bytes);
    Toy::Result result = toy.run(Toy::train("out", words + "2"));
    EXPECT_EQ(result.status, 2) << name;
    EXPECT_NE(result.err.find("is no checkpoint of ours"), std::string::npos) << result.err;
    EXPECT_EQ(toy.bytes("out/" + name), bytes);
    fs::remove_all(at("out") / name.substr(0, name.find('/')));
  }
}

TEST_F(TrainTest, TheBestCheckpointCanBeTheOutput) {
  // A rate far too high: no step does any good.
  Toy::Result result = toy.run(Toy::train("out", "max_steps=6 learning_rate=50 validation=rows.jsonl eval_steps=2 save_steps=2 "
                                                 "save_total_limit=3 load_best_model_at_end=true"));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("no checkpoint is better than the start: the best validation loss is"), std::string::npos)
      << result.err;
  std::map<double, std::string> byLoss;
  for (const nlohmann::json &line : log("out"))
    if (line.contains("eval_loss") && line["current_steps"] != 0)
      byLoss.emplace(line["eval_loss"], "checkpoint-" + line["current_steps"].dump());
  ASSERT_FALSE(byLoss.empty());
  EXPECT_EQ(toy.bytes("out/mlora_adapter.safetensors"),
            toy.bytes("out/" + byLoss.begin()->second + "/mlora_adapter.safetensors"));
}

TEST_F(TrainTest, AFullDiskKeepsWhatWasThere) {
  // A file system of our own, where the kernel lets us have one.
  auto onSmallDisk = [this](const std::string &words) {
    fs::create_directories(at("small"));
    toy.folder.file("inside.sh", "mount -t tmpfs -o size=400k none small || exit 99\n(" + toy.command(words) +
                                     ")\nstatus=$?\ncp -r small kept\nexit $status\n");
    std::string command = "cd '" + toy.folder.path().string() + "' && unshare -rm sh inside.sh 2>/dev/null";
    int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  int status = onSmallDisk(Toy::train("small/out", "max_steps=60 save_steps=1 num_train_epochs=100"));
  if (status != 0 && status != 1)
    GTEST_SKIP() << "no private mounts here";
  EXPECT_EQ(status, 1);
  EXPECT_NE(toy.bytes("err.txt").find("No space left"), std::string::npos) << toy.bytes("err.txt");
  std::vector<std::string> names = checkpoints("kept/out");
  ASSERT_GE(names.size(), 2u);
  for (const std::string &name : names)
    EXPECT_NO_THROW(SafetensorsFile(at("kept/out/" + name + "/optimizer.safetensors"))) << name;
  for (const auto &entry : fs::directory_iterator(at("kept/out")))
    EXPECT_EQ(entry.path().filename().string().find(".partial"), std::string::npos) << entry.path();
  // With room, the run goes on from the last whole one.
  EXPECT_EQ(toy.run(Toy::train("kept/out",
                               "max_steps=60 save_steps=0 num_train_epochs=100 resume_from_checkpoint=auto"))
                .status,
            0);
}

} // namespace
