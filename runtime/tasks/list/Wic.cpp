// WiC (SuperGLUE): {"word", "sentence1", "sentence2", "label"}; MeZO's words.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {
namespace {

std::string promptOf(const RowFields &row) {
  return "Does the word \"" + filledString(row, "word") +
         "\" have the same meaning in these two sentences? Yes, No?\n" + filledString(row, "sentence1") + "\n" +
         filledString(row, "sentence2") + "\n";
}

} // namespace

extern const Task Wic = {
    .name = "wic",
    .doc = "a word in two sentences: whether its meaning is the same",
    .recognises =
        [](const RowJson &row) {
          return row.contains("word") && row.contains("sentence1") && row.contains("sentence2");
        },
    .forms = {{"word", "sentence1", "sentence2", "label"}},
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
