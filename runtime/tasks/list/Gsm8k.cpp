// GSM8K (openai/grade-school-math): {"question", "answer"}; the answer ends in `#### number`.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {
namespace {

/// The first `#### ` and a number of the text, commas removed: grade-school-math's `#### (\-?[0-9\.\,]+)`.
std::optional<std::string> numberIn(const std::string &text) {
  constexpr std::string_view mark = "#### ";
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    size_t begin = at + mark.size(), end = begin + (begin < text.size() && text[begin] == '-');
    size_t first = end;
    while (end < text.size() && std::string_view("0123456789.,").find(text[end]) != std::string_view::npos)
      ++end;
    if (end == first)
      continue;
    std::string number = text.substr(begin, end - begin);
    std::erase(number, ',');
    return number;
  }
  return std::nullopt;
}

Question questionOf(const RowFields &row, const std::string &) {
  std::optional<std::string> gold = numberIn(filledString(row, "answer"));
  if (!gold)
    row.refuse("answer", "has no `#### number` at its end");
  return {.prompt = filledString(row, "question") + "\n", .goldText = *gold};
}

} // namespace

extern const Task Gsm8k = {
    .name = "gsm8k",
    .doc = "a word problem: its solution, which ends in `#### number`",
    .recognises =
        [](const RowJson &row) {
          return row.contains("question") && row.contains("answer") && row["answer"].is_string() &&
                 !row.contains("passage") && !row.contains("paragraph") && !row.contains("choices");
        },
    .forms = {{"question", "answer"}},
    .example =
        [](const RowFields &row) {
          return Example{filledString(row, "question") + "\n", filledString(row, "answer")};
        },
    .score = Score::ExactMatch,
    .question = questionOf,
    .extract = numberIn,
    .maxNewTokens = 256,
    .files = {.evaluation = {"test", "validation", "val"}},
};

} // namespace mlora::tasklist
