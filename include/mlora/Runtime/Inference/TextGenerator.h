// Texts behind prompts, several at once.
#pragma once

#include "mlora/Runtime/Inference/Sampler.h"
#include "mlora/Runtime/Program/Inference.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <functional>
#include <string>
#include <vector>

namespace mlora {

struct GenerationOptions {
  SamplingOptions sampling;
  int64_t maxNewTokens = 128;
  std::vector<int32_t> stopTokens;      ///< end a text and are no part of it
  std::vector<std::string> stopStrings; ///< the same; found in the text, not in tokens
};

struct GeneratedText {
  std::vector<int32_t> ids; ///< new tokens, without a stop token
  std::string text;         ///< up to a stop string
  enum class End { Length, StopToken, StopString } end = End::Length;
};

/// Rows of the cache for `count` prompts of at most `promptTokens` tokens.
int64_t cacheRowsFor(int64_t promptTokens, const GenerationOptions &options, int64_t count);

class TextGenerator {
public:
  /// What is new in a text, as whole characters; text that a stop string may begin in waits.
  using Show = std::function<void(size_t prompt, const std::string &text)>;

  /// The program (kind `generate`, loaded and prepared) and the tokenizer must outlive it. As many prompts run
  /// at once as the program's cache has room for.
  TextGenerator(Program &program, const Tokenizer &tokenizer) : program(program), tokenizer(tokenizer) {}

  /// Results in the order of the prompts, none of which may be empty. Prompt i is sampled with seed + i, so
  /// that a text does not depend on what runs beside it but by the order of f32 sums. `progress`, where given,
  /// hears of new tokens and finished texts after each step; it may throw to stop.
  std::vector<GeneratedText> run(const std::vector<std::vector<int32_t>> &prompts,
                                 const GenerationOptions &options, const Show &show = {},
                                 const std::function<void(int64_t tokens, int64_t finished)> &progress = {});

private:
  class Sequence;
  Program &program;
  const Tokenizer &tokenizer;
};

} // namespace mlora
