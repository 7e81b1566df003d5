// Prefill and decode are the same program: rows are a run-time scalar.
#include "mlora/Runtime/Program/Generator.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <array>

namespace mlora {

std::span<const float> Generator::append(std::span<const int32_t> tokens) {
  const Scalars &capacity = program.capacity();
  while (!tokens.empty()) {
    int64_t rows = std::min<int64_t>(capacity.rows, int64_t(tokens.size()));
    if (past + rows > capacity.kvRows)
      failed("the sequence is longer than the cache of " + std::to_string(capacity.kvRows) + " tokens");
    std::vector<int32_t> positions(rows);
    for (int64_t i = 0; i < rows; ++i)
      positions[i] = int32_t(past + i);
    program.setInput("input_ids", tokens.first(rows));
    program.setInput("position_ids", positions);
    // Only the last row goes through the head.
    const std::array<int32_t, 1> last = {int32_t(rows - 1)}, before = {int32_t(past)};
    program.setInput("counted", std::span<const int32_t>(last));
    if (program.hasInput("past"))
      program.setInput("past", std::span<const int32_t>(before));
    Scalars scalars;
    scalars.rows = rows;
    scalars.countedRows = 1;
    scalars.past = past;
    scalars.kvRows = past + rows;
    program.run("step", scalars);
    past += rows;
    tokens = tokens.subspan(rows);
  }
  return program.output("logits");
}

int32_t greedyToken(std::span<const float> logits) {
  return int32_t(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

} // namespace mlora
