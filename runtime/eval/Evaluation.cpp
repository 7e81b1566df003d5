#include "mlora/Runtime/Eval/Evaluation.h"

#include "Items.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Inference/Finite.h"
#include "mlora/Runtime/Inference/TextGenerator.h"
#include "mlora/Runtime/Tasks/Dataset.h"

#include <algorithm>
#include <cmath>

namespace mlora {

Evaluation::Evaluation(std::span<const DatasetSpec> tasks, const Tokenizer &tokenizer,
                       const EvaluationOptions &options)
    : tokenizer(tokenizer), options(options) {
  for (const DatasetSpec &spec : tasks) {
    Questions questions = readQuestions(spec);
    Item &item = items.emplace_back();
    item.name = questions.task->name;
    item.task = questions.task;
    item.shots = questions.shots;
    item.original = questions.original;
    item.originalOfGroup = std::move(questions.originalOfGroup);
    item.questions = std::move(questions.list);
    for (size_t i = 0; i + 1 < items.size(); ++i)
      if (items[i].name == item.name)
        badInput("eval_tasks: " + item.name +
                 " is there twice: give one of them a split or a path of its own in "
                 "another run");
    prepare(item);
    if (item.slots == 0 && item.prompts.empty())
      badInput("eval_tasks: " + spec.path + ": holds nothing to score: expected rows of task " + item.name +
               " with at least " +
               (tokenizer.addsBos() ? "one token" : "two tokens (the first is only read)") + " of text");
  }
}

Evaluation::~Evaluation() = default;

void Evaluation::prepare(Item &item) {
  QuestionRuns runs(tokenizer, options.context);
  for (size_t i = 0; i < item.questions.size(); ++i) {
    const Question &question = item.questions[i];
    std::string where = item.name + ", question " + std::to_string(i + 1);
    if (item.isText()) {
      item.places.push_back(runs.addText(question.prompt));
    } else if (item.isGenerated()) {
      bool wasCut = false;
      int64_t newTokens = item.newTokens(options);
      int64_t room = options.context > 0 ? options.context - newTokens : INT64_MAX;
      if (room < 1)
        badInput(item.name + ": " + std::to_string(newTokens) + " new tokens do not fit into a context of " +
                 std::to_string(options.context) +
                 " tokens: score this model by other tasks, or with `eval` and a lower max_new_tokens");
      item.prompts.push_back(promptTokens(tokenizer, question.prompt, room, wasCut));
      item.cut += wasCut;
    } else {
      item.places.push_back(runs.add(question, where));
    }
  }
  item.cut += runs.cut();
  item.runs = runs.runs();
  item.slots = runs.slots();
  item.tree = std::make_unique<PrefixTree>(item.runs);
}

Scalars Evaluation::capacity() const {
  Scalars capacity{
      .rows = options.rows, .countedRows = std::min<int64_t>(options.rows, 64), .kvRows = options.rows};
  for (const Item &item : items) {
    if (item.isText())
      capacity.countedRows = options.rows; // every row is read
    capacity.kvRows = std::max(capacity.kvRows, cacheRowsFor(*item.tree, options.rows));
    if (item.isGenerated())
      capacity.kvRows = std::max(capacity.kvRows, item.generationRows(options));
  }
  return capacity;
}

bool Evaluation::hasAverage() const {
  return std::ranges::any_of(items, [](const Item &item) { return item.task->isInAverage; });
}

std::vector<std::string> Evaluation::notes() const {
  std::vector<std::string> notes;
  for (const Item &item : items)
    if (item.cut > 0)
      notes.push_back(item.name + ": " + std::to_string(item.cut) + " of " +
                      std::to_string(item.questions.size()) + " prompts are longer than the context of " +
                      std::to_string(options.context) + " tokens: cut on the left");
  return notes;
}

std::vector<TaskScore> Evaluation::run(Program &program, const Progress &progress) {
  int64_t total = 0, before = 0;
  for (const Item &item : items)
    total += item.work(options);
  std::vector<TaskScore> scores;
  for (Item &item : items) {
    item.outcomes.assign(item.questions.size(), {});
    auto report = [&](int64_t done) {
      if (progress)
        progress(item.name, double(before + done) / double(std::max<int64_t>(total, 1)));
    };
    item.isGenerated() ? generate(item, program, report) : scoreAnswers(item, program, report);
    before += item.work(options);
    scores.push_back(item.score());
  }
  return scores;
}

void Evaluation::scoreAnswers(Item &item, Program &program,
                              const std::function<void(int64_t)> &progress) const {
  std::vector<TokenScore> tokens(size_t(item.slots));
  Scorer(program).run(*item.tree, tokens, progress);
  for (size_t i = 0; i < item.questions.size(); ++i) {
    item.outcomes[i] = outcomeOf(item.questions[i], item.places[i], tokens);
    checkFinite(item.outcomes[i].sums,
                item.name + ", question " + std::to_string(i + 1) + ": its log-probabilities");
  }
}

void Evaluation::generate(Item &item, Program &program, const std::function<void(int64_t)> &progress) const {
  GenerationOptions generation;
  generation.maxNewTokens = item.newTokens(options);
  generation.stopTokens = options.stopTokens;
  int64_t most = generation.maxNewTokens;
  std::vector<GeneratedText> texts =
      TextGenerator(program, tokenizer)
          .run(item.prompts, generation, {},
               [&](int64_t tokens, int64_t finished) { progress(std::max(tokens, finished * most)); });
  for (size_t i = 0; i < item.questions.size(); ++i) {
    Outcome &outcome = item.outcomes[i];
    outcome.generated = texts[i].text;
    outcome.extracted = item.task->extract(texts[i].text).value_or("");
    outcome.correct = !outcome.extracted.empty() && outcome.extracted == item.questions[i].goldText;
  }
}

std::vector<std::pair<std::string, std::string>> Evaluation::samples() const {
  std::vector<std::pair<std::string, std::string>> files;
  for (const Item &item : items)
    files.emplace_back(item.name, item.samples());
  return files;
}

} // namespace mlora
