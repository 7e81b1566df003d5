#include "mlora/Runtime/Data/MicroBatch.h"

#include "mlora/Runtime/Core/Error.h"

#include <set>
#include <string>

namespace mlora {

int64_t MicroBatch::tokens() const {
  int64_t count = 0;
  for (const auto &row : inputIds)
    count += int64_t(row.size());
  return count;
}

int64_t MicroBatch::countedLabels() const {
  int64_t count = 0;
  for (const auto &row : labels)
    for (size_t t = 1; t < row.size(); ++t)
      count += row[t] != ignoredLabel;
  return count;
}

namespace {

void appendRow(const MicroBatch &batch, size_t row, ProgramInputs &inputs) {
  const auto &ids = batch.inputIds[row], &labels = batch.labels[row], &positions = batch.positionIds[row],
             &documents = batch.documentIds[row];
  std::string where = "micro-batch row " + std::to_string(row);
  if (labels.size() != ids.size() || positions.size() != ids.size() || documents.size() != ids.size())
    badInput(where + ": input_ids, labels, position_ids and document_ids differ in length");
  std::set<int32_t> seen;
  auto first = int32_t(inputs.inputIds.size()); // token row where this batch row begins
  int32_t start = first;                        // and where the current document does
  for (size_t t = 0; t < ids.size(); ++t) {
    if (t == 0 || documents[t] != documents[t - 1]) {
      start = first + int32_t(t);
      if (!seen.insert(documents[t]).second)
        badInput(where + ": document " + std::to_string(documents[t]) + " is in two pieces");
      if (t > 0 && labels[t] != ignoredLabel)
        badInput(where + ": the first label of document " + std::to_string(documents[t]) +
                 " counts, but the token before belongs to another document");
    }
    inputs.inputIds.push_back(ids[t]);
    inputs.positionIds.push_back(positions[t]);
    inputs.documentStart.push_back(start);
    if (t + 1 < ids.size() && labels[t + 1] != ignoredLabel) {
      inputs.counted.push_back(first + int32_t(t));
      inputs.targets.push_back(labels[t + 1]);
    }
  }
}

} // namespace

ProgramInputs flatten(const MicroBatch &batch) {
  size_t rows = batch.inputIds.size();
  if (batch.labels.size() != rows || batch.positionIds.size() != rows || batch.documentIds.size() != rows)
    badInput("micro-batch: input_ids, labels, position_ids and document_ids differ in their number of rows");
  ProgramInputs inputs;
  for (size_t row = 0; row < rows; ++row)
    appendRow(batch, row, inputs);
  return inputs;
}

} // namespace mlora
