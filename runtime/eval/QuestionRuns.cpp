#include "mlora/Runtime/Eval/QuestionRuns.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Tokenizer/Bos.h"

#include <algorithm>

namespace mlora {

std::vector<int32_t> QuestionRuns::encode(const std::string &text) const { return encodeWithBos(tokenizer, text); }

/// Runs of this question that have the same tokens become one: answers of one token each share the prompt.
AnswerPlace QuestionRuns::place(Continuation continuation, size_t firstRun) {
  AnswerPlace place{nextSlot, int64_t(continuation.ids.size()) - continuation.first};
  TokenRun run;
  for (int64_t i = continuation.first; i < int64_t(continuation.ids.size()); ++i)
    run.reads.push_back({int32_t(i - 1), continuation.ids[size_t(i)], nextSlot++});
  run.ids = std::move(continuation.ids);
  run.ids.pop_back(); // what follows the last token is not asked
  auto same = std::find_if(list.begin() + ptrdiff_t(firstRun), list.end(),
                           [&](const TokenRun &known) { return known.ids == run.ids; });
  if (same == list.end()) {
    list.push_back(std::move(run));
    return place;
  }
  same->reads.insert(same->reads.end(), run.reads.begin(), run.reads.end());
  std::ranges::stable_sort(same->reads, {}, &TokenRead::position);
  return place;
}

std::vector<AnswerPlace> QuestionRuns::add(const Question &question, const std::string &where) {
  std::vector<int32_t> prompt = encode(question.prompt);
  std::vector<Continuation> answers;
  int64_t longest = 0, most = 0; // tokens that run, and that are scored
  for (const std::string &answer : question.answers) {
    Continuation whole{encode(question.prompt + answer)};
    whole.first = std::ranges::mismatch(whole.ids, prompt).in1 - whole.ids.begin();
    int64_t scored = int64_t(whole.ids.size()) - whole.first;
    if (scored < 1 || whole.first < 1)
      badInput(where + ": the answer '" + answer + "' has no token of its own behind " +
               (whole.first < 1 ? "an empty prompt" : "its prompt"));
    longest = std::max(longest, int64_t(whole.ids.size()) - 1);
    most = std::max(most, scored);
    answers.push_back(std::move(whole));
  }
  int64_t drop = context > 0 ? std::max<int64_t>(longest - context, 0) : 0;
  if (drop > 0) {
    // At least one token of the prompt stays (a BOS, or its last), for the first of the answer to be read
    // behind.
    for (const Continuation &answer : answers)
      if (drop + 1 > answer.first)
        badInput(where + ": an answer of " + std::to_string(most) +
                 " tokens does not fit into a context of " + std::to_string(context) +
                 " tokens (the model's, or max_length of eval): remove the row, or raise max_length where it is less than the model's");
    ++cutPrompts;
  }
  std::vector<AnswerPlace> places;
  size_t firstRun = list.size();
  for (Continuation &answer : answers) {
    if (drop > 0) {
      dropLeft(tokenizer, answer.ids, drop);
      answer.first -= drop;
    }
    places.push_back(place(std::move(answer), firstRun));
  }
  return places;
}

std::vector<AnswerPlace> QuestionRuns::addText(const std::string &text) {
  std::vector<int32_t> ids = encode(text);
  std::vector<AnswerPlace> places;
  int64_t window = context > 0 ? context : int64_t(ids.size());
  for (int64_t first = 0; first + 1 < int64_t(ids.size()); first += window) {
    int64_t last = std::min(first + window + 1, int64_t(ids.size())); // the last one is only predicted
    places.push_back(place({{ids.begin() + first, ids.begin() + last}, 1}, list.size()));
  }
  return places;
}

std::vector<int32_t> promptTokens(const Tokenizer &tokenizer, const std::string &prompt, int64_t room, bool &cut) {
  std::vector<int32_t> ids = encodeWithBos(tokenizer, prompt);
  cut = int64_t(ids.size()) > room;
  if (cut)
    dropLeft(tokenizer, ids, int64_t(ids.size()) - room);
  return ids;
}

} // namespace mlora
