// A group of the op table on this machine's GPU, from what write-op-table has compiled ahead; prints one JSON object.
#include "GpuRunner.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>

namespace fs = std::filesystem;
using namespace optable;

namespace {

/// What write-op-table has kept of the reference's results: of each its greatest magnitude, then its sample.
class Expected {
public:
  explicit Expected(const fs::path &path) : bytes(mlora::readFile(path)), path(path) {}

  /// As relativeError, of the next result.
  double errorOf(const std::vector<float> &result, size_t elements) {
    double scale = next(), worst = 0;
    for (size_t i : sampleOf(elements)) {
      double wanted = next();
      double error = i < result.size() ? std::abs(double(result[i]) - wanted) : INFINITY;
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
    return worst == 0 ? 0 : worst / scale;
  }

private:
  double next() {
    if (bytes.size() - at < 4)
      mlora::badInput(path.string() + ": ends before the last result: make the folder again");
    float stored;
    std::memcpy(&stored, bytes.data() + at, 4);
    at += 4;
    return double(stored);
  }

  std::string bytes;
  size_t at = 0;
  fs::path path;
};

nlohmann::ordered_json check(const fs::path &folder, const std::string &group) {
  GpuCases cases = GpuCases::fromJson(mlora::readJsonFile(folder / (group + ".json")));
  std::string ptx = mlora::readFile(folder / (group + ".ptx"));
  Expected expected(folder.parent_path() / (group + ".expected"));
  GpuRunner runner(mlora::cuda::nvidia(), std::move(cases), ptx.c_str());
  runner.times = true;
  int runs = 0, failed = 0;
  double worst = 0;
  std::vector<std::string> failures;
  for (const Case &oneCase : casesOf(group))
    for (size_t index = 0; index < oneCase.runs.size(); ++index) {
      const Execution &run = oneCase.runs[index];
      Outcome outcome = runner.run(oneCase, run, makeArguments(oneCase, index), memoryBefore(oneCase, run));
      std::string problem;
      for (const std::string &damage : outcome.damage)
        problem += damage + "; ";
      for (size_t i = 0; i < oneCase.results.size(); ++i) {
        static const std::vector<float> none;
        double error = expected.errorOf(i < outcome.results.size() ? outcome.results[i] : none,
                                        size_t(elementsOf(oneCase.results[i].shape, run)));
        worst = std::max(worst, error / oneCase.tolerance);
        if (!(error <= oneCase.tolerance))
          problem += "%" + oneCase.results[i].name + " is off by " + std::to_string(error) + "; ";
      }
      ++runs;
      if (problem.empty())
        continue;
      ++failed;
      if (failures.size() < 5)
        failures.push_back(describe(oneCase, run) + ": " + problem);
    }
  nlohmann::ordered_json result{{"runs", runs}, {"failed", failed}, {"worst_of_bound", worst}, {"failures", failures}};
  double slowest = 0;
  for (const auto &[kernel, microseconds] : runner.microseconds()) {
    result["microseconds"][kernel] = microseconds;
    if (microseconds > slowest) {
      slowest = microseconds;
      result["slowest"] = kernel;
      result["slowest_microseconds"] = microseconds;
    }
  }
  return result;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    std::cerr << "usage: mlora-op-table FOLDER GROUP    FOLDER: a chip's, of mlora-write-op-table\n";
    return 2;
  }
  try {
    std::cout << check(argv[1], argv[2]).dump() << "\n";
    return 0;
  } catch (const std::exception &error) {
    std::cerr << "mlora-op-table: error: " << error.what() << "\n";
    return 1;
  }
}
