// MMLU (hendrycks/test; artidoro/qlora's words). Rows: CSV with a header (question, choice0 … choice3, answer 0-3) or
// without (question, four choices, letter), a file a subject; JSON {"question", "choices", "answer", "subject"}; or
// QLoRA's {"subject", "input", "output"}, whose input is the prompt already.
#include "Csv.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Tasks/Task.h"

#include <algorithm>

namespace mlora::tasklist {
namespace {

constexpr std::string_view letters = "ABCD";

std::string preambleOf(const std::string &subject) {
  std::string words = subject;
  std::ranges::replace(words, '_', ' ');
  return "The following are multiple choice questions (with answers) about  " + words + ".\n\n";
}

std::string letterOf(int64_t answer) { return std::string(1, letters[size_t(answer)]); }

/// "A" to "D", or 0 to 3 as a number or a text.
int64_t answerOf(const RowFields &row, const char *key) {
  if (!row.has(key))
    row.refuse(key, "is missing: expected A, B, C or D");
  const RowJson &value = row.raw().at(key);
  if (value.is_number_integer() && value >= 0 && value < 4)
    return value.get<int64_t>();
  std::string text = value.is_string() ? value.get<std::string>() : "";
  while (!text.empty() && text.front() == ' ')
    text.erase(0, 1);
  if (text.size() == 1) {
    if (size_t index = letters.find(text[0]); index != std::string_view::npos)
      return int64_t(index);
    if (text[0] >= '0' && text[0] < '4')
      return text[0] - '0';
  }
  row.refuse(key, "unknown label " + value.dump() + ": expected A, B, C or D, or 0 to 3");
}

/// The subject of QLoRA's and JSON rows; of a CSV row that of its file.
std::string subjectOf(const RowFields &row) { return filledString(row, "subject"); }

Question questionOf(const RowFields &row, const std::string &) {
  Question question{.answers = {" A", " B", " C", " D"}, .group = subjectOf(row)};
  if (row.has("input")) {
    question.prompt = filledString(row, "input");
    std::string preamble = preambleOf(question.group);
    if (question.prompt.starts_with(preamble))
      question.prompt.erase(0, preamble.size());
    question.gold = answerOf(row, "output");
    return question;
  }
  std::vector<std::string> choices = row.strings("choices");
  if (choices.size() != 4)
    row.refuse("choices", "expected four, got " + std::to_string(choices.size()));
  question.prompt = filledString(row, "question") + "\n";
  for (size_t i = 0; i < 4; ++i)
    question.prompt += letterOf(int64_t(i)) + ". " + choices[i] + "\n";
  question.prompt += "Answer:";
  question.gold = answerOf(row, "answer");
  return question;
}

Example exampleOf(const RowFields &row) {
  Question question = questionOf(row, "");
  return {preambleOf(question.group) + question.prompt, " " + letterOf(question.gold)};
}

std::string preambleWithShots(const std::string &subject, const std::vector<Question> &shots) {
  std::string text = preambleOf(subject);
  for (const Question &shot : shots)
    text += shot.prompt + " " + letterOf(shot.gold) + "\n\n";
  return text;
}

std::vector<RowJson> readTable(std::string_view content, const std::string &file, const std::string &subject) {
  static const std::vector<std::string> header = {"question", "choice0", "choice1", "choice2", "choice3", "answer"};
  if (subject.empty())
    badInput(
        file +
        ": the subject is read from the file's name: expected <subject>_<split>.csv "
        "(abstract_algebra_test.csv; a split is auxiliary_train, train, val, validation, test or dev), or "
        "<subject>.csv in a folder of the split's name: rename the file");
  std::vector<RowJson> rows;
  for (const CsvRow &row : readCsv(content, file)) {
    if (row.line == 1 && row.fields == header)
      continue;
    if (row.fields.size() != 6)
      badInput(file + ":" + std::to_string(row.line) + ": expected a question, four choices and an answer, got " +
               std::to_string(row.fields.size()) + " fields");
    rows.push_back({{"subject", subject},
                    {"question", row.fields[0]},
                    {"choices", {row.fields[1], row.fields[2], row.fields[3], row.fields[4]}},
                    {"answer", row.fields[5]}});
  }
  return rows;
}

} // namespace

extern const Task Mmlu = {
    .name = "mmlu",
    .doc = "multiple choice questions of 57 subjects: the letter of the answer",
    .recognises =
        [](const RowJson &row) {
          return (row.contains("choices") && row.contains("question") && row.contains("answer")) ||
                 (row.contains("subject") && row.contains("input") && row.contains("output"));
        },
    .forms = {{"question", "choices", "answer", "subject"}, {"subject", "input", "output"}},
    .example = exampleOf,
    .score = Score::Likelihood,
    .question = questionOf,
    .isInAverage = true,
    .files = {.patterns = {"{split}/*_{split}.csv", "*_{split}.csv", "{split}/*.csv", "{split}.jsonl",
                           "{split}.json", "zero_shot_mmlu_{split}.json",
                           "qlora_zero_shot_mmlu_{split}.json"},
              .training = {"auxiliary_train", "train", "val", "validation"},
              .evaluation = {"test", "val", "validation"}},
    .readTable = readTable,
    .shots = 5,
    .shotSplit = "dev",
    .preamble = preambleWithShots,
};

} // namespace mlora::tasklist
