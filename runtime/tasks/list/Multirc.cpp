// MultiRC (SuperGLUE): passages with questions with answers; a row a (paragraph, question, answer); MeZO's words.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {
namespace {

std::string promptOf(const RowFields &row) {
  return filledString(row, "paragraph") + "\nQuestion: " + filledString(row, "question") +
         "\nI found this answer \"" + row.string("answer") + "\". Is that correct? Yes or No?\n";
}

const RowJson &listOf(const RowFields &row, const char *key) {
  if (!row.has(key) || !row.raw().at(key).is_array())
    row.refuse(key, "expected a list");
  return row.raw().at(key);
}

/// {"passage": {"text", "questions": [{"question", "answers": [{"text", "label"}]}]}}; a row that was flattened
/// already stays.
std::vector<RowJson> expand(const RowFields &row) {
  if (!row.has("passage"))
    return {row.raw()};
  RowFields passage = row.object("passage");
  std::vector<RowJson> rows;
  int64_t questionNumber = 0;
  for (const RowJson &question : listOf(passage, "questions")) {
    RowFields asked(question, row.where() + ", question " + std::to_string(++questionNumber));
    int64_t answerNumber = 0;
    for (const RowJson &answer : listOf(asked, "answers")) {
      RowFields given(answer, asked.where() + ", answer " + std::to_string(++answerNumber));
      booleanLabel(given, "label"); // complains with the numbers, which the flat row has no longer
      rows.push_back({{"paragraph", filledString(passage, "text")},
                      {"question", filledString(asked, "question")},
                      {"answer", given.string("text")},
                      {"label", answer.at("label")}});
    }
  }
  return rows;
}

} // namespace

extern const Task Multirc = {
    .name = "multirc",
    .doc = "a passage, a question and an answer to it: whether that is correct",
    .recognises =
        [](const RowJson &row) {
          return (row.contains("passage") && row["passage"].is_object()) ||
                 (row.contains("paragraph") && row.contains("question") && row.contains("answer"));
        },
    .forms = {{"passage"}, {"paragraph", "question", "answer", "label"}},
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
    .expand = expand,
};

} // namespace mlora::tasklist
