// `mlora-run bench`.
#include "mlora/Runtime/Bench/StepBench.h"
#include "mlora/Runtime/Cli/Commands.h"

#include <iostream>

namespace mlora {

int runBench(Arguments &arguments) {
  BenchResult result =
      benchStep(arguments, [](const std::string &text) { std::cerr << "mlora-run: " << text << "\n"; });
  if (arguments.config.json)
    std::cout << result.toJson().dump(2) << "\n";
  else
    std::cout << result.table();
  return 0;
}

} // namespace mlora
