// A command line, read: `COMMAND [config.yaml] [key=value | --key value | --flag]...`.
#pragma once

#include "mlora/Runtime/Config/Keys.h"

#include <map>

namespace mlora {

/// Where a value came from, for messages and for "the command line wins".
struct Origin {
  std::string file; ///< empty: the command line
  int line = 0;
  std::string text() const { return file.empty() ? "command line" : file + ":" + std::to_string(line); }
};

struct Arguments {
  Command command;
  Config config;
  /// Words that are no keys: `preview` of `data preview`, a path of `inspect`.
  std::vector<std::string> words;
  /// Keys that were given, by their first name; a command-line origin hides a file's.
  std::map<std::string_view, Origin> given;
  bool help = false;

  bool has(std::string_view key) const { return given.count(key) > 0; }
};

/// Reads what follows the command's name: the YAML file first, wherever it stands, then keys from left to
/// right. Keys of other commands are passed over in a file (one file serves several commands) and refused on
/// the command line. Throws Error(BadInput) that names key, value, what was expected, and the file and line.
/// The result is resolved: see resolve().
Arguments readArguments(Command command, std::span<const std::string> arguments, size_t maxWords = 0);

/// Reads a YAML text (`file` names it in messages) into arguments; part of readArguments().
void readYaml(const std::string &text, const std::string &file, Arguments &arguments);

/// Fills defaults that depend on other keys, finds relative paths of a file beside that file where the
/// current folder lacks them, and refuses what is contradictory, missing or not built yet.
void resolve(Arguments &arguments);

/// The same, from whichever folder it is read.
Config withAbsolutePaths(Config config);

/// The keys of a command as YAML that readYaml() reads back to an equal Config.
std::string toYaml(const Config &config, Command command);

/// `mlora-run COMMAND --help`.
std::string helpText(Command command, std::string_view usage, std::string_view summary);

} // namespace mlora
