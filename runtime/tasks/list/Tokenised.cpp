// {"input_ids", "labels", "document_ids"}: tokens already.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {

extern const Task Tokenised = {
    .name = "tokenised",
    .doc = "tokens, with labels and document boundaries where they are given",
    .recognises = [](const RowJson &row) { return row.contains("input_ids"); },
    .forms = {{"input_ids"}},
    .example = nullptr,
};

} // namespace mlora::tasklist
