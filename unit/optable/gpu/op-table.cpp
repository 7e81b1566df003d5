// A group of the op table on this machine's GPU, from what write-op-table has compiled ahead. Prints JSON, a line when
// a run begins and a line when it is over, so that where this ends by a fault, which kernel's it was is known.
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

void print(const nlohmann::ordered_json &line) {
  std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << std::endl;
}

struct Options {
  fs::path folder;
  std::string group;
  size_t from = 0; ///< the first run by number: behind the one that a fault has ended
  bool times = false;
};

/// What a run's last line says of its results. Also moves `expected` behind them.
nlohmann::ordered_json compare(const Case &oneCase, const Execution &run, const Outcome &outcome, Expected &expected) {
  std::string problem;
  double worst = 0;
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
  return {{"of_bound", worst}, {"problem", problem}};
}

/// Machine code where ptxas has made it and the driver takes it, otherwise PTX.
std::unique_ptr<GpuRunner> load(const Options &options, const GpuCases &cases) {
  fs::path code = options.folder / (options.group + ".cubin");
  if (fs::exists(code))
    try {
      return std::make_unique<GpuRunner>(mlora::cuda::nvidia(), cases, mlora::readFile(code).c_str());
    } catch (const mlora::Error &) {
    }
  return std::make_unique<GpuRunner>(mlora::cuda::nvidia(), cases,
                                     mlora::readFile(options.folder / (options.group + ".ptx")).c_str());
}

void check(const Options &options) {
  GpuCases cases = GpuCases::fromJson(mlora::readJsonFile(options.folder / (options.group + ".json")));
  Expected expected(options.folder.parent_path() / (options.group + ".expected"));
  std::unique_ptr<GpuRunner> runner = load(options, cases);
  runner->times = options.times;
  size_t number = 0;
  for (const Case &oneCase : casesOf(options.group))
    for (size_t index = 0; index < oneCase.runs.size(); ++index, ++number) {
      const Execution &run = oneCase.runs[index];
      if (number < options.from) {
        compare(oneCase, run, {}, expected);
        continue;
      }
      print({{"run", number}, {"case", describe(oneCase, run)}});
      Outcome outcome = runner->run(oneCase, run, makeArguments(oneCase, index), memoryBefore(oneCase, run));
      nlohmann::ordered_json line = compare(oneCase, run, outcome, expected);
      line["microseconds"] = runner->microseconds();
      print(line);
    }
}

} // namespace

int main(int argc, char **argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  Options options;
  options.times = std::erase(words, "--times") > 0;
  if (words.size() != 2 && words.size() != 3) {
    std::cerr << "usage: mlora-op-table FOLDER GROUP [FROM] [--times]    FOLDER: a chip's, of mlora-write-op-table\n"
                 "                                                       FROM: number of the first run, 0\n";
    return 2;
  }
  options.folder = words[0];
  options.group = words[1];
  options.from = words.size() == 3 ? std::strtoul(words[2].c_str(), nullptr, 10) : 0;
  try {
    check(options);
    return 0;
  } catch (const std::exception &error) {
    std::cerr << "mlora-op-table: error: " << error.what() << "\n";
    return 1;
  }
}
