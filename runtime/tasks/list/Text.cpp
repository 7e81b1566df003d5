// {"text"}, or files of plain text: all of it is trained; in an evaluation its perplexity is what counts.
#include "mlora/Runtime/Tasks/Task.h"

#include <algorithm>

namespace mlora::tasklist {

extern const Task Text = {
    .name = "text",
    .doc = "plain text",
    .recognises =
        [](const RowJson &row) {
          // Rows of other tasks may carry their finished text as well.
          constexpr const char *others[] = {"instruction", "completion", "messages", "conversations", "input_ids",
                                            "passage",     "premise",    "word"};
          return row.contains("text") &&
                 std::ranges::none_of(others, [&row](const char *key) { return row.contains(key); });
        },
    .forms = {{"text"}},
    .example =
        [](const RowFields &row) {
          return Example{"", row.string("text")};
        },
    .score = Score::Perplexity,
    .question = [](const RowFields &row,
                   const std::string &) { return Question{.prompt = row.string("text")}; },
    .files = {.patterns = {"{split}.jsonl", "{split}.json", "{split}.txt", "{split}/*.txt"}},
    .documentKey = "text",
};

} // namespace mlora::tasklist
