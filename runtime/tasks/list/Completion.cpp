// {"prompt", "completion"}: the completion is trained.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {

extern const Task Completion = {
    .name = "completion",
    .doc = "a prompt and what follows it",
    .recognises =
        [](const RowJson &row) { return row.contains("prompt") && row.contains("completion"); },
    .forms = {{"prompt", "completion"}},
    .example =
        [](const RowFields &row) {
          return Example{row.string("prompt"), row.string("completion")};
        },
};

} // namespace mlora::tasklist
