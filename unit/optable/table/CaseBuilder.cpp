#include "CaseBuilder.h"

#include "mlora/Runtime/Model/FloatFormats.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace optable {

int64_t sizeOf(int64_t dimension, const Execution &run) {
  switch (dimension) {
  case Rows:
    return run.rows;
  case CountedRows:
    return run.countedRows;
  case KvRows:
    return run.kvRows();
  }
  return dimension;
}

int64_t elementsOf(const Shape &shape, const Execution &run) {
  int64_t count = 1;
  for (int64_t dimension : shape)
    count *= sizeOf(dimension, run);
  return count;
}

size_t bytesOf(Element element) { return element == Element::BF16 ? 2 : 4; }

bool Case::hasBF16() const {
  auto isBF16 = [](const auto &value) { return value.element == Element::BF16; };
  return std::any_of(results.begin(), results.end(), isBF16) ||
         std::any_of(arguments.begin(), arguments.end(),
                     [&](const Argument &argument) { return isBF16(argument.fill); });
}

std::string extentName(int64_t dimension) {
  return dimension == Rows          ? "rows"
         : dimension == CountedRows ? "counted_rows"
         : dimension == KvRows      ? "kv_rows"
                                    : "";
}

//===- values -----------------------------------------------------------------===//

// FNV-1a, then splitmix64.
Random::Random(const std::string &seed) : state(0xcbf29ce484222325) {
  for (char c : seed)
    state = (state ^ uint8_t(c)) * 0x100000001b3;
}
uint64_t Random::next() {
  uint64_t x = state += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}
double Random::uniform(double from, double to) { return from + (to - from) * double(next() >> 11) * 0x1p-53; }

Fill uniform(double from, double to) {
  return {[=](auto &values, const Execution &, Random &random) {
    for (double &value : values)
      value = random.uniform(from, to);
  }};
}

Fill below(int64_t end) {
  return {[=](auto &values, const Execution &, Random &random) {
            for (double &value : values)
              value = double(random.below(end));
          },
          Element::I32};
}

Fill targets(int64_t vocabulary) {
  return {[=](auto &values, const Execution &, Random &random) {
            for (size_t i = 0; i < values.size(); ++i)
              values[i] = i % 4 == 2 ? -100 : double(random.below(vocabulary));
            if (values.size() > 4) { // both ends of the vocabulary
              values[0] = 0;
              values[1] = double(vocabulary - 1);
            }
          },
          Element::I32};
}

Fill countedRows() {
  return {[](auto &values, const Execution &run, Random &random) {
            // Selection sampling: each row is taken with the probability that keeps the number right.
            size_t taken = 0;
            for (int64_t row = 0; row < run.rows && taken < values.size(); ++row)
              if (random.below(run.rows - row) < int64_t(values.size() - taken))
                values[taken++] = double(row);
          },
          Element::I32};
}

Fill documentStarts() {
  return {[](auto &values, const Execution &run, Random &) {
            size_t row = 0;
            for (int64_t length : run.documents)
              for (size_t start = row; row < start + size_t(length) && row < values.size(); ++row)
                values[row] = double(start);
          },
          Element::I32};
}

Fill positions(int64_t first) {
  return {[first](auto &values, const Execution &run, Random &) {
            std::vector<int64_t> documents =
                run.documents.empty() ? std::vector<int64_t>{run.rows} : run.documents;
            size_t row = 0;
            for (int64_t length : documents)
              for (int64_t position = 0; position < length && row < values.size(); ++position)
                values[row++] = double(first + run.past + position);
          },
          Element::I32};
}

/// Calls value(row of the cache, row) for each row.
template <typename Value> static Fill perRow(Value value) {
  return {[value](auto &values, const Execution &run, Random &) {
            for (size_t row = 0; row < values.size(); ++row)
              values[row] = double(value(run, int64_t(row)));
          },
          Element::I32};
}

Fill cacheRows() {
  return perRow([](const Execution &run, int64_t row) { return run.past + row; });
}

/// Of five rows each, which begin at most at their own row and not before the cache's new rows.
Fill documentsInCache() {
  return perRow([](const Execution &run, int64_t row) { return run.past + row / 5 * 5; });
}

/// Every third row has no prefix, others see it from its second row on or all of it.
Fill prefixStarts() {
  return perRow([](const Execution &run, int64_t row) { return run.past > 1 && row % 3 == 1 ? 1 : 0; });
}

Fill prefixEnds() {
  return perRow([](const Execution &run, int64_t row) { return row % 3 == 2 ? 0 : run.past - run.past / 4 * (row % 2); });
}

static int64_t textStart(const Execution &run, int64_t row) {
  int64_t half = run.past / 2;
  return half + row * 29 % (half - 20);
}
static bool hasCommonPrefix(int64_t row) { return row / 32 % 2 == 1; }
static int64_t textPrefixStart(const Execution &run, int64_t row) {
  return hasCommonPrefix(row) ? row % 7 : row * 17 % (run.past / 4);
}

Fill textStarts() {
  return perRow(textStart);
}

Fill textRows() {
  return perRow([](const Execution &run, int64_t row) { return textStart(run, row) + row % 19; });
}

Fill textPrefixStarts() {
  return perRow(textPrefixStart);
}

Fill textPrefixEnds() {
  return perRow([](const Execution &run, int64_t row) {
    return hasCommonPrefix(row) ? run.past / 2 - row % 3
                                : textPrefixStart(run, row) + row * 23 % (run.past / 4);
  });
}

Fill these(std::vector<double> numbers) {
  return {[numbers](auto &values, const Execution &, Random &) {
    if (values.size() != numbers.size())
      throw std::logic_error("a constant argument has another number of elements");
    values = numbers;
  }};
}

std::vector<std::vector<double>> makeArguments(const Case &oneCase, size_t run) {
  std::vector<std::vector<double>> all;
  for (const Argument &argument : oneCase.arguments) {
    Random random(oneCase.group + "." + oneCase.name + "." + argument.name + "." + std::to_string(run));
    std::vector<double> values(size_t(elementsOf(argument.shape, oneCase.runs[run])));
    argument.fill.make(values, oneCase.runs[run], random);
    for (double &value : values)
      value = argument.fill.element == Element::BF16
                  ? ::mlora::bfloatToFloat(::mlora::floatToBfloat(float(value)))
                  : float(value);
    all.push_back(values);
  }
  return all;
}

//===- runs -------------------------------------------------------------------===//

std::vector<Execution> once() { return {{}}; }

std::vector<Execution> tokenRows() {
  std::vector<Execution> runs;
  for (auto [rows, counted] :
       {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {5, 0}, {17, 17}, {130, 129}, {300, 65}})
    runs.push_back({.rows = rows, .countedRows = counted});
  return runs;
}

std::vector<Execution> sums() {
  std::vector<Execution> runs = tokenRows();
  for (int64_t rows : {5, 300})
    runs.push_back({.rows = rows, .countedRows = rows, .accumulate = 1});
  return runs;
}

std::vector<Execution> packed() {
  return {{.rows = 1},
          {.rows = 17},
          {.rows = 130},
          {.rows = 300},
          {.rows = 17, .documents = {1, 1, 12, 3}},
          {.rows = 130, .documents = {40, 5, 85}},
          {.rows = 300, .documents = {63, 65, 1, 131, 40}}};
}

std::vector<Execution> generation() {
  return {{.rows = 5},
          {.rows = 1, .past = 1},
          {.rows = 1, .past = 299},
          {.rows = 17, .past = 130},
          {.rows = 130, .past = 37}};
}

std::vector<Execution> texts() {
  return {{.rows = 3, .past = 60}, {.rows = 33, .past = 300}, {.rows = 110, .past = 290}};
}

//===- text -------------------------------------------------------------------===//

static std::string typeOf(const Shape &shape, Element element) {
  std::string text = "tensor<";
  for (int64_t dimension : shape)
    text += (dimension < 0 ? "?" : std::to_string(dimension)) + "x";
  return text + (element == Element::I32 ? "i32>" : element == Element::BF16 ? "bf16>" : "f32>");
}

/// `$name` becomes the type of %name.
static std::string withTypes(const std::string &body,
                             const std::vector<std::pair<std::string, std::string>> &types) {
  std::string text;
  for (size_t at = 0; at < body.size();) {
    if (body[at] != '$') {
      text += body[at++];
      continue;
    }
    size_t end = ++at;
    while (end < body.size() && (std::isalnum(uint8_t(body[end])) || body[end] == '_'))
      ++end;
    std::string name = body.substr(at, end - at);
    auto found = std::find_if(types.begin(), types.end(), [&](auto &type) { return type.first == name; });
    if (found == types.end())
      throw std::logic_error("a case has no value " + name + ": " + body);
    text += found->second;
    at = end;
  }
  return text;
}

Case makeCase(std::string group, std::string name, std::vector<Argument> arguments, const std::string &body,
              std::vector<Result> results, std::vector<Execution> runs) {
  std::vector<std::pair<std::string, std::string>> types;
  std::string parameters, values, resultTypes;
  auto list = [](std::string &text, const std::string &item) { text += (text.empty() ? "" : ", ") + item; };
  for (const Argument &argument : arguments) {
    types.push_back({argument.name, typeOf(argument.shape, argument.fill.element)});
    std::string extent = argument.shape.empty() ? "" : extentName(argument.shape[0]);
    list(parameters, "%" + argument.name + ": " + types.back().second +
                         (extent.empty() ? "" : " {mlora.extent = \"" + extent + "\"}"));
  }
  for (const Result &result : results) {
    types.push_back({result.name, typeOf(result.shape, result.element)});
    if (result.kind == Result::Inner)
      continue;
    list(values, "%" + result.name);
    list(resultTypes, types.back().second);
  }
  Case made{group, name, arguments, {}, {}, runs};
  std::copy_if(results.begin(), results.end(), std::back_inserter(made.results),
               [](const Result &result) { return result.kind != Result::Inner; });
  made.ir = "func.func @" + name + "(" + parameters + ") -> (" + resultTypes + ") {\n" +
            withTypes(body, types) + "\nreturn " + values + " : " + resultTypes + "\n}\n";
  made.body = body;
  made.values = results;
  return made;
}

const std::vector<Case> &table() {
  static const Table all = [] {
    Table table;
    addRowCases(table);
    addAdapterCases(table);
    addAttentionCases(table);
    addHeadCases(table);
    addSumCases(table);
    addParameterCases(table);
    addRopeCases(table);
    addChainCases(table);
    addProductCases(table);
    addBF16Variants(table);
    return table;
  }();
  return all;
}

std::vector<std::string> groups() {
  std::vector<std::string> names;
  for (const Case &oneCase : table())
    if (std::find(names.begin(), names.end(), oneCase.group) == names.end())
      names.push_back(oneCase.group);
  return names;
}

/// What lies where results will be: NaN, or gradients to add to.
std::vector<std::vector<float>> memoryBefore(const Case &oneCase, const Execution &run) {
  std::vector<std::vector<float>> before;
  for (const Result &result : oneCase.results) {
    Random random(oneCase.name + ".before." + result.name);
    std::vector<float> values(size_t(elementsOf(result.shape, run)), std::numeric_limits<float>::quiet_NaN());
    if (result.kind == Result::Gradient && run.accumulate)
      for (float &value : values)
        value = float(random.uniform(-1, 1));
    before.push_back(values);
  }
  return before;
}

std::string describe(const Case &oneCase, const Execution &run) {
  std::string text = oneCase.name + " with rows " + std::to_string(run.rows) + ", counted_rows " +
                     std::to_string(run.countedRows) + ", past " + std::to_string(run.past) +
                     ", accumulate " + std::to_string(run.accumulate) + ", documents";
  for (int64_t length : run.documents)
    text += " " + std::to_string(length);
  return text;
}

std::vector<Case> casesOf(const std::string &group) {
  std::vector<Case> cases;
  std::copy_if(table().begin(), table().end(), std::back_inserter(cases),
               [&](const Case &oneCase) { return oneCase.group == group; });
  return cases;
}

std::string textOf(const std::vector<Case> &cases) {
  std::string text;
  for (const Case &oneCase : cases)
    text += oneCase.ir;
  return text;
}

} // namespace optable
