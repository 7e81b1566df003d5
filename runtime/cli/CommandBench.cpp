// `mlora-run bench`.
#include "mlora/Runtime/Bench/InferenceBench.h"
#include "mlora/Runtime/Bench/StepBench.h"
#include "mlora/Runtime/Cli/Commands.h"

#include <iostream>

namespace mlora {

int runBench(Arguments &arguments) {
  auto print = [&](const auto &result, const std::string &text) {
    std::cout << (arguments.config.json ? result.toJson().dump(2) + "\n" : text);
  };
  if (arguments.config.measure != "step") {
    InferenceResult result = benchInference(arguments);
    print(result, result.text());
    return 0;
  }
  BenchResult result =
      benchStep(arguments, [](const std::string &text) { std::cerr << "mlora-run: " << text << "\n"; });
  print(result, result.table());
  return 0;
}

} // namespace mlora
