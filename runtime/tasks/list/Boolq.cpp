// BoolQ (SuperGLUE): {"passage", "question", "label"}; MeZO's words.
#include "mlora/Runtime/Core/Utf8.h"
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {
namespace {

std::string promptOf(const RowFields &row) {
  std::string question = filledString(row, "question");
  if (!question.ends_with('?'))
    question += '?';
  size_t first = firstCharacterSize(question);
  return filledString(row, "passage") + " " + upperCase(question.substr(0, first)) + question.substr(first) + "\n";
}

} // namespace

extern const Task Boolq = {
    .name = "boolq",
    .doc = "a passage and a question: Yes or No",
    .recognises =
        [](const RowJson &row) {
          return row.contains("question") && row.contains("passage") && row["passage"].is_string();
        },
    .forms = {{"passage", "question", "label"}},
    .example =
        [](const RowFields &row) {
          return yesNoExample({promptOf(row), booleanLabel(row, "label")});
        },
    .score = Score::Likelihood,
    .question =
        [](const RowFields &row, const std::string &) {
          return yesNoQuestion({promptOf(row), booleanLabel(row, "label")});
        },
    .isInAverage = true,
};

} // namespace mlora::tasklist
