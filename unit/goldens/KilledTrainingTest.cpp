// kill -9 in a run that scores tasks and keeps its best checkpoint, at several moments, and the run taken up
// again.
#include "ScoredTraining.h"

#include <csignal>
#include <set>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace mlora;
using namespace mlora::test;

namespace {

class KilledTraining : public ScoredTraining {
protected:
  static constexpr int64_t steps = 12;

  static std::string words(const std::string &output, const std::string &more = "") {
    return "train model=model datasets='[boolq, rte]' method=multilora num_branches=2 lora_r=2 "
           "learning_rate=0.02 "
           "max_length=64 num_threads=2 logging_steps=1 eval_steps=3 save_steps=2 save_total_limit=2 "
           "metric_for_best_model=average load_best_model_at_end=true max_steps=" +
           std::to_string(steps) + " output_dir=" + output + tasks + " " + more;
  }

  pid_t start(const std::string &arguments) {
    pid_t child = fork();
    if (child == 0) {
      execl("/bin/sh", "sh", "-c", command(arguments).c_str(), nullptr);
      _exit(127);
    }
    return child;
  }

  std::vector<nlohmann::json> lines(const std::string &output) {
    std::vector<nlohmann::json> all;
    std::error_code ignored;
    if (!fs::exists(folder / (output + "/trainer_log.jsonl"), ignored))
      return all;
    std::istringstream text(readFile(folder / (output + "/trainer_log.jsonl")));
    for (std::string line; std::getline(text, line);)
      if (nlohmann::json json = nlohmann::json::parse(line, nullptr, false); json.is_object())
        all.push_back(json);
    return all;
  }

  /// A checkpoint is being written: it lies aside.
  bool isSaving(const std::string &output) {
    std::error_code code;
    for (fs::directory_iterator entry(folder / output, code), end; !code && entry != end;
         entry.increment(code)) {
      std::string name = entry->path().filename().string();
      if (name.starts_with(".checkpoint-") && name.find(".partial-") != name.npos)
        return true;
    }
    return false;
  }

  /// A step that is to be scored is in the log, and its scores are not.
  bool isScoring(const std::string &output) {
    std::vector<nlohmann::json> all = lines(output);
    return !all.empty() && all.back().contains("loss") && all.back()["current_steps"].get<int64_t>() % 3 == 0;
  }

  /// Runs until `moment` comes and kills it there; false when the run ended before.
  template <typename Moment> bool killAt(const std::string &arguments, Moment moment) {
    pid_t child = start(arguments);
    int status = 0;
    while (!moment()) {
      if (waitpid(child, &status, WNOHANG) == child)
        return false;
      usleep(200);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return true;
  }

  /// The log without what the clock decides.
  static nlohmann::json timeless(nlohmann::json line) {
    for (const char *key : {"elapsed_time", "remaining_time", "throughput"})
      line.erase(key);
    return line;
  }

  int64_t bestStep(const std::string &output) {
    std::string last = output + "/checkpoint-" + std::to_string(steps) + "/trainer_state.json";
    return nlohmann::json::parse(readFile(folder / last)).at("best_step").get<int64_t>();
  }

  void expectSame(const std::string &output, const std::string &whole) {
    auto bytes = [&](const std::string &name) { return readFile(folder / name); };
    for (const char *file : {"/mlora_adapter.safetensors", "/adapter_model.safetensors"})
      EXPECT_EQ(bytes(output + file), bytes(whole + file)) << file;
    std::vector<nlohmann::json> have = lines(output), want = lines(whole);
    ASSERT_EQ(have.size(), want.size());
    for (size_t i = 0; i < have.size(); ++i)
      EXPECT_EQ(timeless(have[i]), timeless(want[i]));
    for (int64_t step = 0; step <= steps; step += 3) {
      std::string name = "/eval/results-" + std::to_string(step) + ".json";
      nlohmann::json results = nlohmann::json::parse(bytes(output + name)),
                     wanted = nlohmann::json::parse(bytes(whole + name));
      results.erase("date");
      wanted.erase("date");
      EXPECT_EQ(results, wanted) << name;
    }
    EXPECT_EQ(bestStep(output), bestStep(whole));
    if (bestStep(whole) >= 0) {
      std::string best = "/checkpoint-" + std::to_string(bestStep(whole)) + "/mlora_adapter.safetensors";
      EXPECT_EQ(bytes(output + best), bytes(whole + best));
    }
    // Nothing that was torn is left, here or among the scores.
    for (const auto &entry : fs::recursive_directory_iterator(folder / output))
      EXPECT_EQ(entry.path().filename().string().find(".partial-"), std::string::npos) << entry.path();
  }
};

TEST_F(KilledTraining, WhileScoringAndWhileSavingItEndsAsIfUndisturbed) {
  run(words("whole"));
  std::string again = words("out", "resume_from_checkpoint=auto");
  int scoring = 0, saving = 0;
  // The state after a kill says where it came; a moment that has passed is tried again.
  for (int attempt = 0; attempt < 60 && (scoring < 3 || saving < 2); ++attempt) {
    bool wantsSaving = attempt % 2 == 1;
    bool isKilled = killAt(again, [&] { return wantsSaving ? isSaving("out") : isScoring("out"); });
    if (!isKilled)
      fs::remove_all(folder / "out"); // it was through
    saving += isKilled && isSaving("out");
    scoring += isKilled && isScoring("out");
  }
  EXPECT_GE(scoring, 3);
  EXPECT_GE(saving, 2);
  run(again);
  expectSame("out", "whole");
}

TEST_F(KilledTraining, AtTheFirstEvaluationAndBehindAnInterruption) {
  run(words("whole"));
  std::string again = words("out", "resume_from_checkpoint=auto");
  // Before any checkpoint is whole.
  EXPECT_TRUE(killAt(again, [&] { return fs::exists(folder / "out/trainer_log.jsonl"); }));
  // A signal saves step 3 unscored; the next run scores it and is killed before another checkpoint: it is
  // scored again.
  pid_t child = start(words("out", "resume_from_checkpoint=auto"));
  while (!isScoring("out") && kill(child, 0) == 0 && waitpid(child, nullptr, WNOHANG) == 0)
    usleep(200);
  kill(child, SIGTERM);
  waitpid(child, nullptr, 0);
  auto isScored = [&] {
    std::vector<nlohmann::json> all = lines("out");
    return !all.empty() && all.back().contains("eval_average") && all.back()["current_steps"] > 0;
  };
  killAt(again, isScored);
  run(again);
  expectSame("out", "whole");
}

} // namespace
