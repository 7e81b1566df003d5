#include "Preview.h"

#include "mlora/Runtime/Core/Visible.h"

#include <cstdlib>
#include <unistd.h>

namespace mlora {
namespace {

struct Colours {
  const char *trained, *read, *heading, *off;
};

Colours colours() {
  if (isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR"))
    return {"\033[32m", "\033[90m", "\033[1m", "\033[0m"};
  return {"", "", "", ""};
}

/// The tokens of one document: a line for each run of equal label state.
void printDocument(std::ostream &out, const MicroBatch &batch, size_t row, size_t begin, size_t end,
                   const Tokenizer *tokenizer, const Colours &colour) {
  const std::vector<int32_t> &labels = batch.labels[row];
  out << "  document " << batch.documentIds[row][begin] << ", " << end - begin << " tokens\n";
  for (size_t t = begin; t < end;) {
    bool trained = labels[t] != ignoredLabel;
    out << (trained ? "    trained  " : "    read     ") << (trained ? colour.trained : colour.read);
    for (size_t first = t; t < end && (labels[t] != ignoredLabel) == trained; ++t)
      out << (t > first ? "|" : "") << visible(pieceText(batch.inputIds[row][t], tokenizer));
    out << colour.off << "\n";
  }
  const std::vector<int64_t> &cut = batch.cut[row];
  auto document = size_t(batch.documentIds[row][begin]);
  if (document < cut.size() && cut[document] > 0)
    out << "    cut      " << cut[document] << " more tokens do not fit into max_length\n";
}

} // namespace

std::string pieceText(int32_t id, const Tokenizer *tokenizer) {
  return tokenizer ? tokenizer->piece(id) : std::to_string(id);
}

void printPreview(std::ostream &out, const std::vector<MicroBatch> &batches, const BatchStream &stream,
                  const Tokenizer *tokenizer) {
  Colours colour = colours();
  DataReport report = stream.report();
  out << report.rows << " rows, " << report.sequences << " sequences and " << report.tokens
      << " tokens an epoch (" << report.countedLabels << " labels count), " << stream.stepsPerEpoch()
      << " steps an epoch, " << stream.totalSteps() << " in all\n";
  size_t number = 0;
  for (const MicroBatch &batch : batches)
    for (size_t row = 0; row < batch.inputIds.size(); ++row, ++number) {
      const std::vector<int32_t> &documents = batch.documentIds[row];
      out << colour.heading << "row " << number << ", " << documents.size() << " tokens" << colour.off
          << "\n";
      for (size_t begin = 0, end; begin < documents.size(); begin = end) {
        for (end = begin; end < documents.size() && documents[end] == documents[begin];)
          ++end;
        printDocument(out, batch, row, begin, end, tokenizer, colour);
      }
    }
}

} // namespace mlora
