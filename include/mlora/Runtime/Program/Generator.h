// Tokens after a prompt, by a program of kind `generate` with its cache of keys and values.
#pragma once

#include "mlora/Runtime/Program/Program.h"

#include <span>
#include <vector>

namespace mlora {

class Generator {
public:
  /// The program must be loaded and, with an adapter, prepared; it must outlive this object.
  explicit Generator(Program &program) : program(program) {}

  /// Appends tokens to the sequence (in pieces of the program's capacity) and returns the logits after the
  /// last one, valid until the next call. Throws Error(Failed) when the cache is full.
  std::span<const float> append(std::span<const int32_t> tokens);
  int64_t length() const { return past; }

private:
  Program &program;
  int64_t past = 0;
};

/// Index of the largest logit; the first of equals.
int32_t greedyToken(std::span<const float> logits);

} // namespace mlora
