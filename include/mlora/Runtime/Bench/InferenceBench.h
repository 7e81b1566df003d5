// Reading a prompt and writing a text, measured.
#pragma once

#include "mlora/Runtime/Config/Arguments.h"

#include <nlohmann/json.hpp>

namespace mlora {

struct InferenceResult {
  std::string measure;          ///< prefill or decode
  int64_t tokens = 0;           ///< of a round
  double secondsPerRound = 0;   ///< median
  double compileSeconds = 0;
  int64_t peakResidentMiB = 0, weightMiB = 0; ///< of the process; of the program's weights, each read once a token
  double tokensPerSecond() const { return double(tokens) / secondsPerRound; }

  nlohmann::ordered_json toJson() const;
  std::string text() const;
};

/// `measure=prefill`: max_length tokens (512 unless given), of which the last one's logits are read. `measure=decode`:
/// 64 greedy tokens behind 5, each of a step of its own. Rounds: `steps`, after one that does not count.
InferenceResult benchInference(const Arguments &arguments);

} // namespace mlora
