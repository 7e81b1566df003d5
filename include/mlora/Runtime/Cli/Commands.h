// The commands of mlora-run, each in a file of its own (runtime/cli/Command<Name>.cpp).
#pragma once

#include "mlora/Runtime/Config/Arguments.h"

#include <functional>

namespace mlora {

/// A command's result goes to stdout, its progress and messages to stderr; the exit status is returned, or an
/// Error thrown. `Arguments` are resolved.
int runTrain(Arguments &arguments);
int runEval(Arguments &arguments);
int runGenerate(Arguments &arguments);
int runMerge(Arguments &arguments);
int runExport(Arguments &arguments);
int runData(Arguments &arguments);
int runBench(Arguments &arguments);
int runInspect(Arguments &arguments);

/// One row of the dispatch table.
struct CommandSpec {
  Command command;
  std::string_view usage;            ///< after `mlora-run `
  std::string_view summary;          ///< one sentence
  size_t maxWords = 0;               ///< words that are no keys
  int (*run)(Arguments &) = nullptr; ///< null: not built yet
};

std::span<const CommandSpec> commands();

} // namespace mlora
