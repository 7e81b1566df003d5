#include "mlora/Runtime/Program/Inference.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>

namespace mlora {

int64_t weightBytes(const Program &program) {
  int64_t bytes = 0;
  for (const Buffer &buffer : program.manifest().buffers)
    if (buffer.role == Role::Weight)
      bytes += buffer.slots * buffer.slotBytes;
  return bytes;
}

Inference::Inference(Program &program)
    : program(program), vocabulary(program.manifest().model.at("vocab_size").get<int64_t>()),
      written(size_t(program.capacity().kvRows)), holes(written.size() + 1) {}

void Inference::check(std::span<const Piece> pieces) {
  const Scalars &capacity = program.capacity();
  auto rows = int64_t(written.size());
  ++steps;
  bool isNew = false;
  for (const Piece &piece : pieces) {
    int64_t last = piece.at + int64_t(piece.tokens.size());
    if (piece.start < 0 || piece.start > piece.at || piece.prefixStart < 0 || piece.prefixEnd < piece.prefixStart ||
        piece.prefixEnd > piece.start ||
        last > rows || piece.prefixEnd > rows)
      failed("a step's tokens lie outside the cache of " + std::to_string(rows) + " rows");
    for (int64_t row = piece.at; row < last; ++row) {
      if (written[size_t(row)] == steps)
        failed("two tokens of a step are written to row " + std::to_string(row) + " of the cache");
      isNew = isNew || written[size_t(row)] == 0;
      written[size_t(row)] = steps;
    }
  }
  if (isNew)
    for (size_t row = 0; row < written.size(); ++row)
      holes[row + 1] = holes[row] + (written[row] == 0);
  for (const Piece &piece : pieces) {
    auto hasHole = [this](int64_t from, int64_t to) { return holes[size_t(to)] != holes[size_t(from)]; };
    if (hasHole(piece.prefixStart, piece.prefixEnd) || hasHole(piece.start, piece.at))
      failed("a token of a step would see rows of the cache that nothing was written to");
  }
  int64_t tokens = 0, reads = 0;
  for (const Piece &piece : pieces) {
    tokens += int64_t(piece.tokens.size());
    reads += int64_t(piece.read.size());
  }
  if (tokens > capacity.rows || reads > capacity.countedRows)
    failed("a step of " + std::to_string(tokens) + " tokens, of which " + std::to_string(reads) +
           " are read: the program was opened for " + std::to_string(capacity.rows) + " and " +
           std::to_string(capacity.countedRows));
}

std::span<const float> Inference::step(std::span<const Piece> pieces) {
  check(pieces);
  std::vector<int32_t> ids, positions, rows, starts, prefixStarts, prefixEnds, counted;
  int32_t last = 0; // behind the last row of the cache that is seen
  for (const Piece &piece : pieces) {
    for (int32_t row : piece.read)
      counted.push_back(int32_t(ids.size()) + row);
    for (int32_t i = 0; i < int32_t(piece.tokens.size()); ++i) {
      ids.push_back(piece.tokens[size_t(i)]);
      positions.push_back(piece.position + i);
      rows.push_back(piece.at + i);
      starts.push_back(piece.start);
      prefixStarts.push_back(piece.prefixStart);
      prefixEnds.push_back(piece.prefixEnd);
    }
    last = std::max({last, piece.prefixEnd, piece.at + int32_t(piece.tokens.size())});
  }
  auto set = [this](const char *name, const std::vector<int32_t> &values) {
    program.setInput(name, std::span<const int32_t>(values));
  };
  set("input_ids", ids);
  set("position_ids", positions);
  set("cache_rows", rows);
  set("document_start", starts);
  set("prefix_start", prefixStarts);
  set("prefix_end", prefixEnds);
  set("counted", counted);
  Scalars scalars;
  scalars.rows = int64_t(ids.size());
  scalars.countedRows = int64_t(counted.size());
  scalars.kvRows = last;
  program.run("step", scalars);
  if (counted.empty())
    return {};
  return program.output("logits", counted.size() * size_t(vocabulary));
}

} // namespace mlora
