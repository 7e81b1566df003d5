// Steps of a program of kind `generate`: tokens of many sequences at once, over one cache of keys and values.
#pragma once

#include "mlora/Runtime/Program/Program.h"

#include <span>
#include <vector>

namespace mlora {

/// Tokens that follow one another. Token i is written to row at + i of the cache and attends to rows [prefixStart,
/// prefixEnd) and [start, at + i]; prefixEnd <= start. Rows that it sees and no piece of the step writes hold what an earlier step wrote.
struct Piece {
  std::span<const int32_t> tokens = {};
  int32_t position = 0; ///< of the first token in its sequence
  int32_t at = 0, start = 0;
  int32_t prefixStart = 0, prefixEnd = 0;
  std::vector<int32_t> read = {}; ///< tokens whose logits are wanted, ascending, counted in the piece
};

class Inference {
public:
  /// The program must be loaded and, with an adapter, prepared; it must outlive this object.
  explicit Inference(Program &program);

  /// Runs the pieces in one step; their keys and values are in the cache afterwards. Returns the logits behind the
  /// tokens that are read, in the order of the pieces, [reads, vocabulary], valid until the next call. Throws
  /// Error(Failed) when the step has more rows or reads than the program's capacity, when two tokens are written to one
  /// row, and when a token would see a row that nothing has been written to.
  std::span<const float> step(std::span<const Piece> pieces);

private:
  void check(std::span<const Piece> pieces);

  Program &program;
  int64_t vocabulary;
  std::vector<uint64_t> written;    ///< the step that wrote each row of the cache last, from 1; 0: none
  std::vector<int64_t> holes;       ///< rows before each that nothing was written to
  uint64_t steps = 0;
};

/// What a program's weights take, as they are in memory.
int64_t weightBytes(const Program &program);

} // namespace mlora
