// The folders output_dir/checkpoint-<step>: written whole or not at all, found again, pruned.
#pragma once

#include "mlora/Runtime/Train/TrainState.h"
#include "mlora/Runtime/Train/Trainable.h"

#include <functional>
#include <optional>
#include <string_view>

namespace mlora {

class Checkpoints {
public:
  /// So many of a run's newest checkpoints stay (0: all), and its best one when that will be asked for.
  struct Retention {
    int64_t newest = 0;
    bool best = false;
  };
  Checkpoints(std::filesystem::path outputDir, Retention retention)
      : outputDir(std::move(outputDir)), retention(retention) {}

  std::filesystem::path folderOf(int64_t step) const {
    return outputDir / ("checkpoint-" + std::to_string(step));
  }

  /// The step of a folder called checkpoint-<step>.
  static std::optional<int64_t> stepOf(std::string_view name);

  /// Writes trained tensors, both moments and the state; then removes what is more than `keep`, sparing the
  /// best. A checkpoint of ours of that step makes way, another program's is an Error(BadInput).
  std::filesystem::path save(Trainable &trainable, const TrainState &state,
                             const std::vector<std::pair<std::string, std::string>> &files);
  /// Whether the checkpoint of that step is here, whole, and of that run.
  bool has(int64_t step, const std::string &run) const;
  /// Puts tensors and moments back.
  static TrainState load(const std::filesystem::path &folder, Trainable &trainable);

  /// The newest whole checkpoint of the run that was started last in the output folder. `message` hears of
  /// those that are passed over.
  std::optional<std::filesystem::path> newest(const std::function<void(const std::string &)> &message) const;

  /// Removes what runs that were killed while writing or removing a checkpoint have left.
  void removeLeftovers() const;

  /// Whether a run of ours has written here: its marker, the file that beginRun writes, is there.
  bool isOurs() const { return !currentRun().empty(); }
  /// Throws Error(BadInput) when a checkpoint-<step> is there that no run of ours wrote.
  void checkForeign() const;

  /// Begins a run: what is found in the folder so far belongs to another one. Returns its name.
  std::string beginRun() const;
  /// The name of the run that was started last; empty when unknown.
  std::string currentRun() const;

private:
  std::vector<int64_t> steps() const;
  void prune(const TrainState &state) const;

  std::filesystem::path outputDir;
  Retention retention;
};

} // namespace mlora
