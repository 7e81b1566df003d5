// What eval and generate have in common: a base, its tokenizer, perhaps an adapter, and the program over them.
#pragma once

#include "mlora/Runtime/Adapter/AdapterProgram.h"
#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Model/Checkpoint.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <optional>

namespace mlora {

/// Tokens that end a text: the model's and the tokenizer's.
std::vector<int32_t> stopTokensOf(const Checkpoint &model, const Tokenizer &tokenizer);

/// The configured tokenizer. Throws Error(BadInput) where it has tokens that the model lacks.
std::unique_ptr<Tokenizer> openTokenizer(const Config &config, const ModelConfig &model);

class LoadedModel {
public:
  /// Opens base, tokenizer and adapter as the arguments say; several adapters as one, which adds what they
  /// add together. Throws Error(BadInput) where they do not go together.
  explicit LoadedModel(const Arguments &arguments);

  const Checkpoint &base() const { return *checkpoint; }
  const Tokenizer &tokenizer() const { return *words; }
  /// Compiles the program of kind `generate`, loads the weights and prepares it. Once only.
  Program &open(const Scalars &capacity);
  /// Tokens that end a text.
  std::vector<int32_t> stopTokens() const { return stopTokensOf(*checkpoint, *words); }

private:
  const Config &config;
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<Tokenizer> words;
  std::optional<Adapter> adapter;
  std::unique_ptr<Program> program;
};

/// Tokens of a sequence at most: max_length of the command line (a file's is of rows that are trained), else what the
/// model was trained for; 0: unknown.
int64_t contextOf(const Arguments &arguments, const ModelConfig &model);

} // namespace mlora
