// A case of the op table: IR, how its inputs are made and with which run-time scalars it runs. Nothing here
// knows a target (Target.h) or what is right (Compare.h). A new op gets its cases in one of the *Cases.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace optable {

/// The run-time scalars of one execution, and the documents that its rows are.
struct Execution {
  int64_t rows = 1, countedRows = 1, past = 0, accumulate = 0;
  std::vector<int64_t> documents = {}; ///< lengths; empty: one document

  int64_t kvRows() const { return past + rows; }
};

/// A dimension is a size or one of these.
enum Extent : int64_t { Rows = -1, CountedRows = -2, KvRows = -3 };
using Shape = std::vector<int64_t>;

int64_t sizeOf(int64_t dimension, const Execution &run);
int64_t elementsOf(const Shape &shape, const Execution &run);
/// The scalar's name in `mlora.extent`; empty for a size.
std::string extentName(int64_t dimension);

/// The same numbers on every machine.
class Random {
public:
  explicit Random(const std::string &seed);
  uint64_t next();
  double uniform(double from, double to);
  int64_t below(int64_t end) { return int64_t(next() % uint64_t(end)); }

private:
  uint64_t state;
};

/// What a value is stored as.
enum class Element { F32, BF16, I32 };
size_t bytesOf(Element element);

/// How an argument's values are made, in row-major order.
struct Fill {
  using Make = std::function<void(std::vector<double> &values, const Execution &run, Random &random)>;
  Make make;
  Element element = Element::F32;
};

struct Argument {
  std::string name;
  Shape shape;
  Fill fill;
};

struct Result {
  std::string name;
  Shape shape;
  enum Kind { Value, Gradient, Inner } kind = Value; ///< Gradient: obeys `accumulate`; Inner: is not returned
  std::string inPlaceOf = {}; ///< shares the memory of this argument, as in planned programs
  Element element = Element::F32;
};

struct Case {
  std::string group, name; ///< cases of a group are compiled as one module
  std::vector<Argument> arguments;
  std::vector<Result> results; ///< what is returned
  std::string ir;              ///< a func.func of that name
  std::vector<Execution> runs;
  double tolerance = 1e-5; ///< of the largest magnitude of a result
  std::string why = {};    ///< the tolerance is another
  // What the function was written from: variants are written from it again.
  std::string body = {};
  std::vector<Result> values = {}; ///< results, and what is not returned

  bool hasBF16() const;
};

/// The whole table, by group.
const std::vector<Case> &table();
/// Its groups, in order.
std::vector<std::string> groups();
/// The cases of a group, and the IR of some as one module's text.
std::vector<Case> casesOf(const std::string &group);
std::string textOf(const std::vector<Case> &cases);

/// Values of a case's arguments for one of its runs, as they can be stored.
std::vector<std::vector<double>> makeArguments(const Case &oneCase, size_t run);

/// What lies where results will be: NaN, or gradients to add to.
std::vector<std::vector<float>> memoryBefore(const Case &oneCase, const Execution &run);

/// The case and the run, for messages.
std::string describe(const Case &oneCase, const Execution &run);

} // namespace optable
