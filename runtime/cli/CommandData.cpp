// `mlora-run data`: what training would see, for people (preview) and for programs (batches).
#include "Preview.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Data/BatchStream.h"
#include "mlora/Runtime/Model/ModelConfig.h"
#include "mlora/Runtime/Tasks/Task.h"

#include <iostream>
#include <nlohmann/json.hpp>

namespace mlora {
namespace {

using nlohmann::ordered_json;

ordered_json batchJson(const MicroBatch &batch, int64_t step, size_t micro) {
  return {{"step", step},
          {"micro_batch", micro},
          {"rank", 0},
          {"input_ids", batch.inputIds},
          {"labels", batch.labels},
          {"position_ids", batch.positionIds},
          {"document_ids", batch.documentIds}};
}

ordered_json reportJson(const BatchStream &stream) {
  DataReport report = stream.report();
  return {{"rows", report.rows},
          {"truncated", report.truncated},
          {"windowed", report.windowed},
          {"dropped", report.dropped},
          {"longest_row", report.longestRow},
          {"examples", report.examples},
          {"sequences", report.sequences},
          {"tokens", report.tokens},
          {"counted_labels", report.countedLabels},
          {"steps_per_epoch", stream.stepsPerEpoch()},
          {"total_steps", stream.totalSteps()},
          {"fingerprint", stream.fingerprint()}};
}

void printBatches(const BatchStream &stream, const Config &config) {
  ordered_json all = ordered_json::array();
  // A reader that closes the pipe has seen enough.
  for (int64_t k = config.first; stream.hasStep(k) && std::cout; ++k) {
    std::vector<MicroBatch> batches = stream.step(k);
    for (size_t micro = 0; micro < batches.size(); ++micro) {
      ordered_json line = batchJson(batches[micro], k, micro);
      if (config.json)
        all.push_back(std::move(line));
      else
        std::cout << line.dump() << "\n";
    }
  }
  if (config.json)
    std::cout << ordered_json{{"batches", std::move(all)}, {"report", reportJson(stream)}}.dump() << "\n";
}

/// The first rows of training, from its first step on.
std::vector<MicroBatch> firstRows(const BatchStream &stream, int64_t rows) {
  std::vector<MicroBatch> result;
  for (int64_t k = 0; k < stream.stepsPerEpoch() && rows > 0; ++k)
    for (MicroBatch &batch : stream.step(k)) {
      if (rows <= 0)
        break;
      for (auto *list : {&batch.inputIds, &batch.labels, &batch.positionIds, &batch.documentIds})
        list->resize(std::min(int64_t(list->size()), rows));
      batch.cut.resize(batch.inputIds.size());
      rows -= int64_t(batch.inputIds.size());
      result.push_back(std::move(batch));
    }
  return result;
}

void printPreviewJson(const BatchStream &stream, const Config &config, const Tokenizer *tokenizer) {
  ordered_json rows = ordered_json::array();
  for (const MicroBatch &batch : firstRows(stream, config.rows))
    for (size_t row = 0; row < batch.inputIds.size(); ++row) {
      ordered_json pieces = ordered_json::array();
      for (int32_t id : batch.inputIds[row])
        pieces.push_back(pieceText(id, tokenizer));
      rows.push_back({{"tokens", std::move(pieces)},
                      {"input_ids", batch.inputIds[row]},
                      {"labels", batch.labels[row]},
                      {"position_ids", batch.positionIds[row]},
                      {"document_ids", batch.documentIds[row]},
                      {"cut", batch.cut[row]}});
    }
  // A token may be part of a character: what is no UTF-8 becomes U+FFFD.
  std::cout << ordered_json{{"rows", std::move(rows)}, {"report", reportJson(stream)}}.dump(
                   -1, ' ', false, ordered_json::error_handler_t::replace)
            << "\n";
}

/// For the tokens' texts; tokenised rows can be shown without.
const Tokenizer *tokenizerIfAny(TokenizerSource &source, const Config &config) {
  if (source.ifOpen() || config.tokenizerPath().empty())
    return source.ifOpen();
  try {
    return &source.get();
  } catch (const Error &error) {
    std::cerr << "mlora-run: tokens are shown as numbers: " << error.what() << "\n";
    return nullptr;
  }
}

/// The tasks that rows may be of.
void printTasks(bool json) {
  ordered_json list = ordered_json::array();
  for (const Task *task : tasks()) {
    bool isScored = task->score != Score::None;
    list.push_back({{"name", task->name}, {"doc", task->doc}, {"scored", isScored}});
    if (!json)
      std::cout << task->name << std::string(12 - std::min<size_t>(11, task->name.size()), ' ') << task->doc
                << (isScored ? "" : " (only trained on)") << "\n";
  }
  if (json)
    std::cout << ordered_json{{"tasks", std::move(list)}}.dump() << "\n";
}

} // namespace

int runData(Arguments &arguments) {
  const Config &config = arguments.config;
  const std::string &what = arguments.words[0];
  if (what == "tasks") {
    printTasks(config.json);
    return 0;
  }
  int64_t vocabSize = config.model.empty() ? 0 : ModelConfig::read(config.model).vocabSize;
  TokenizerSource source(config);
  BatchStream stream(config, source, vocabSize);
  for (const std::string &note : stream.report().notes())
    std::cerr << "mlora-run: " << note << "\n";
  if (what == "batches") {
    printBatches(stream, config);
    return 0;
  }
  const Tokenizer *tokenizer = tokenizerIfAny(source, config);
  if (config.json)
    printPreviewJson(stream, config, tokenizer);
  else
    printPreview(std::cout, firstRows(stream, config.rows), stream, tokenizer);
  return 0;
}

} // namespace mlora
