#include "Items.h"

#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Utf8.h"
#include "mlora/Runtime/Inference/TextGenerator.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace mlora {
namespace {

/// Characters of UTF-8.
int64_t charactersOf(const std::string &text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

/// As the harness counts them: len(re.split(r"\s+", text)), white space at an end makes an empty one.
int64_t wordsOf(std::string_view text) {
  int64_t gaps = 0;
  bool inGap = false;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    bool isSpace = isSpaceCharacter(firstCharacter(text.substr(at), size));
    gaps += isSpace && !inGap;
    inGap = isSpace;
  }
  return gaps + 1;
}

template <typename Value> size_t indexOfLargest(const std::vector<Value> &values) {
  return size_t(std::ranges::max_element(values) - values.begin());
}

/// Mean of one outcome's property over questions.
template <typename Get>
MetricValue meanOver(const std::string &name, const std::vector<const Outcome *> &outcomes, Get get) {
  std::vector<double> values;
  for (const Outcome *outcome : outcomes)
    values.push_back(get(*outcome) ? 1 : 0);
  return meanOf(name, values);
}

std::vector<MetricValue> accuracyOf(const std::vector<const Outcome *> &outcomes) {
  return {meanOver("acc", outcomes, [](const Outcome &outcome) { return outcome.correct; }),
          meanOver("acc_norm", outcomes, [](const Outcome &outcome) { return outcome.correctByLength; })};
}

/// The unweighted mean of a metric of all groups.
MetricValue meanOfGroups(const std::string &name, const std::vector<TaskScore> &groups) {
  MetricValue result;
  result.name = name;
  double squares = 0;
  bool isKnown = true; // no group of one row
  for (const TaskScore &group : groups) {
    const MetricValue &metric = *group.find(name);
    result.value += metric.value / double(groups.size());
    isKnown = isKnown && metric.error;
    squares += metric.error.value_or(0) * metric.error.value_or(0);
  }
  if (isKnown)
    result.error = std::sqrt(squares) / double(groups.size());
  return result;
}

nlohmann::ordered_json numbers(const std::vector<double> &values) { return values; }

} // namespace

Outcome outcomeOf(const Question &question, const std::vector<AnswerPlace> &places,
                  std::span<const TokenScore> tokens) {
  Outcome outcome;
  std::vector<double> byLength;
  for (size_t i = 0; i < places.size(); ++i) {
    double sum = 0;
    bool isGreedy = true;
    for (const TokenScore &token : tokens.subspan(size_t(places[i].firstSlot), size_t(places[i].tokens))) {
      sum += token.logProb;
      isGreedy = isGreedy && token.isGreedy;
    }
    outcome.sums.push_back(sum);
    outcome.means.push_back(sum / double(places[i].tokens));
    outcome.logits.push_back(tokens[size_t(places[i].firstSlot)].logit);
    outcome.greedy.push_back(isGreedy);
    outcome.tokens += places[i].tokens;
    if (i < question.answers.size())
      byLength.push_back(sum / double(std::max<int64_t>(1, charactersOf(question.answers[i]))));
  }
  if (question.answers.empty())
    return outcome;
  outcome.predicted = int64_t(indexOfLargest(outcome.means));
  outcome.correct = outcome.predicted == question.gold;
  outcome.correctByLength = int64_t(indexOfLargest(byLength)) == question.gold;
  return outcome;
}

bool Evaluation::Item::isText() const { return task->score == Score::Perplexity; }
bool Evaluation::Item::isGenerated() const { return task->score == Score::ExactMatch; }

int64_t Evaluation::Item::newTokens(const EvaluationOptions &options) const {
  return options.maxNewTokens > 0 ? options.maxNewTokens : task->maxNewTokens;
}

int64_t Evaluation::Item::generationRows(const EvaluationOptions &options) const {
  size_t longest = 0;
  for (const std::vector<int32_t> &prompt : prompts)
    longest = std::max(longest, prompt.size());
  GenerationOptions generation;
  generation.maxNewTokens = newTokens(options);
  return cacheRowsFor(int64_t(longest), generation, std::min(options.sequences, int64_t(prompts.size())));
}

int64_t Evaluation::Item::work(const EvaluationOptions &options) const {
  return isGenerated() ? int64_t(prompts.size()) * newTokens(options) : tree->computedTokens();
}

TaskScore Evaluation::Item::score() const {
  TaskScore result;
  result.name = name;
  result.shots = shots;
  result.original = original;
  result.effective = int64_t(questions.size());
  result.cut = cut;
  result.isInAverage = task->isInAverage;
  std::vector<const Outcome *> all;
  for (const Outcome &outcome : outcomes)
    all.push_back(&outcome);
  if (isGenerated()) {
    result.metrics = {meanOver("exact_match", all, [](const Outcome &outcome) { return outcome.correct; })};
    return result;
  }
  if (isText()) {
    double sum = 0, tokens = 0, words = 0, bytes = 0;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      for (double window : outcomes[i].sums)
        sum -= window;
      tokens += double(outcomes[i].tokens);
      words += double(wordsOf(questions[i].prompt));
      bytes += double(questions[i].prompt.size());
    }
    result.metrics = {{"perplexity", std::exp(sum / std::max(tokens, 1.0)), {}, false},
                      {"word_perplexity", std::exp(sum / std::max(words, 1.0)), {}, false},
                      {"byte_perplexity", std::exp(sum / std::max(bytes, 1.0)), {}, false},
                      {"bits_per_byte", sum / std::max(bytes, 1.0) / std::log(2.0), {}, false}};
    return result;
  }
  std::map<std::string, std::vector<const Outcome *>> byGroup;
  for (size_t i = 0; i < outcomes.size(); ++i)
    byGroup[questions[i].group].push_back(&outcomes[i]);
  if (byGroup.size() == 1 && byGroup.begin()->first.empty()) {
    result.metrics = accuracyOf(all);
    return result;
  }
  for (const auto &[group, members] : byGroup) {
    TaskScore part;
    part.name = name + "_" + group;
    part.shots = shots;
    part.effective = int64_t(members.size());
    auto known = originalOfGroup.find(group);
    part.original = known == originalOfGroup.end() ? part.effective : known->second;
    part.metrics = accuracyOf(members);
    result.groups.push_back(std::move(part));
  }
  result.metrics = {meanOfGroups("acc", result.groups), meanOfGroups("acc_norm", result.groups)};
  return result;
}

std::string Evaluation::Item::samples() const {
  std::string lines;
  for (size_t i = 0; i < questions.size(); ++i) {
    const Question &question = questions[i];
    const Outcome &outcome = outcomes[i];
    nlohmann::ordered_json json = {{"doc_id", i}, {"doc", question.row}};
    nlohmann::ordered_json responses = nlohmann::ordered_json::array(), arguments = nlohmann::ordered_json::object();
    if (isGenerated()) {
      json["target"] = question.goldText;
      arguments["gen_args_0"] = {{"arg_0", question.prompt}};
      responses.push_back({outcome.generated});
      json["arguments"] = arguments;
      json["resps"] = responses;
      json["filtered_resps"] = {outcome.extracted};
      json["metrics"] = {"exact_match"};
      json["exact_match"] = outcome.correct ? 1.0 : 0.0;
    } else {
      nlohmann::ordered_json filtered = nlohmann::ordered_json::array();
      for (size_t answer = 0; answer < outcome.sums.size(); ++answer) {
        std::string text = isText() ? "" : question.answers[answer];
        arguments["gen_args_" + std::to_string(answer)] = {{"arg_0", question.prompt}, {"arg_1", text}};
        nlohmann::ordered_json pair = {std::to_string(outcome.sums[answer]), outcome.greedy[answer] ? "True" : "False"};
        responses.push_back(nlohmann::ordered_json::array({pair}));
        filtered.push_back(pair);
      }
      json["target"] = question.gold;
      json["arguments"] = arguments;
      json["resps"] = responses;
      json["filtered_resps"] = filtered;
      if (!isText()) {
        json["metrics"] = {"acc", "acc_norm"};
        json["acc"] = outcome.correct ? 1.0 : 0.0;
        json["acc_norm"] = outcome.correctByLength ? 1.0 : 0.0;
        json["predicted"] = outcome.predicted;
        json["mean_log_probs"] = numbers(outcome.means);
        json["logits"] = outcome.logits;
      }
    }
    json["filter"] = "none";
    json["doc_hash"] = hashHex(question.row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    json["prompt_hash"] = hashHex(question.prompt);
    json["target_hash"] = hashHex(isGenerated() ? question.goldText : std::to_string(question.gold));
    lines += json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return lines;
}

} // namespace mlora
