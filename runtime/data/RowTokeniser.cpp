#include "RowTokeniser.h"

#include "Tokenise.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

Sequence RowTokeniser::operator()(const DatasetRow &row) {
  Sequence result;
  if (row.task->messages) {
    result = conversation(row);
  } else if (row.task->example) {
    Example example = row.task->example(RowFields(row.json, row.where));
    eosMissed = eosMissed || !tokenizer.get().eos();
    result = tokenise(example, tokenizer.get());
  } else {
    result = readTokenised(row.json, row.where);
  }
  checkVocabulary(result, vocabSize, row.where);
  return result;
}

Sequence RowTokeniser::conversation(const DatasetRow &row) {
  RowJson messages = row.task->messages(RowFields(row.json, row.where));
  checkMessages(messages, row.where);
  if (!chat)
    chat.emplace(tokenizer.get());
  try {
    return tokenise(renderForTraining(*chat, messages, tokenizer.get()), tokenizer.get());
  } catch (const Error &error) {
    throw Error(error.status, row.where + ": " + error.what());
  }
}

} // namespace mlora
