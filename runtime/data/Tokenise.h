// A row as tokens and labels.
#pragma once

#include "mlora/Runtime/Chat/ChatTemplate.h"
#include "mlora/Runtime/Data/Sequence.h"
#include "mlora/Runtime/Tasks/Task.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

namespace mlora {

/// BOS (once, where the tokenizer adds one), prompt, completion, EOS (once). Prompt and completion are
/// tokenised together; labels begin at the first token that the prompt alone would not have given, and EOS
/// counts.
Sequence tokenise(const Example &example, const Tokenizer &tokenizer);

/// A conversation: the text as its template wrote it, no token added; labels are those tokens of the
/// generated parts that the text before a part, and the text up to its end, would not have given otherwise.
Sequence tokenise(const ChatTemplate::Text &conversation, const Tokenizer &tokenizer);

/// A row {"input_ids", "labels", "document_ids"}: without labels every token counts, without documents it is
/// one.
Sequence readTokenised(const RowJson &row, const std::string &where);

/// Throws when an id or a label is none of a model's `vocabSize` (0: any that is not negative).
void checkVocabulary(const Sequence &row, int64_t vocabSize, const std::string &where);

} // namespace mlora
