// Rows of any task as tokens.
#pragma once

#include "mlora/Runtime/Chat/ChatTemplate.h"
#include "mlora/Runtime/Data/Sequence.h"
#include "mlora/Runtime/Data/TokenizerSource.h"
#include "mlora/Runtime/Tasks/Dataset.h"

#include <optional>

namespace mlora {

class RowTokeniser {
public:
  /// The source outlives this object. `vocabSize` is the model's (0: unknown): ids beyond it are an error.
  RowTokeniser(TokenizerSource &tokenizer, int64_t vocabSize) : tokenizer(tokenizer), vocabSize(vocabSize) {}

  /// The whole row, however long. Throws Error(BadInput) that names its place.
  Sequence operator()(const DatasetRow &row);
  /// A row so far had to end without a token that ends it.
  bool lacksEos() const { return eosMissed; }

private:
  Sequence conversation(const DatasetRow &row);

  TokenizerSource &tokenizer;
  int64_t vocabSize;
  std::optional<ChatTemplate> chat; ///< once a conversation needs it
  bool eosMissed = false;
};

} // namespace mlora
