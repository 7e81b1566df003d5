// What a checkpoint knows besides tensors: trainer_state.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace mlora {

/// Everything that a resumed run needs to go on as if nothing had happened; random numbers and the order of
/// the data are functions of seed and step, so the step is their state.
struct TrainState {
  int64_t step = 0, totalSteps = 0;
  double epoch = 0, elapsedSeconds = 0;
  int64_t totalTokens = 0;
  double pendingLoss = 0; ///< sum of the losses since the last line of the log
  int64_t pendingSteps = 0;
  int64_t lastValidation = -1; ///< the step after which validation was measured last
  std::string bestMetric; ///< what `best` is of: `loss` or `average`
  std::optional<double> best;
  int64_t bestStep = -1;
  uint64_t seed = 0;
  std::string baseFingerprint, dataFingerprint;
  std::string
      run; ///< tells the checkpoints of one run from those that an earlier run left in the same folder

  nlohmann::ordered_json toJson() const;
  static TrainState fromJson(const nlohmann::json &json, const std::string &where);
  /// trainer_state.json of a checkpoint.
  static TrainState read(const std::filesystem::path &folder);
};

} // namespace mlora
