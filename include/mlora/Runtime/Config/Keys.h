// The table of keys: one entry is a key's name, aliases, type, default, meaning, and the commands that take
// it. The readers of YAML and command lines, `--help` and config.yaml all follow this table.
#pragma once

#include "mlora/Runtime/Config/TrainConfig.h"

#include <limits>
#include <span>
#include <string_view>
#include <variant>

namespace mlora {

/// The commands of CLI.md, as bits of a CommandSet.
enum class Command : unsigned {
  Train = 1,
  Eval = 2,
  Generate = 4,
  Merge = 8,
  Export = 16,
  Analyze = 32,
  Plan = 64,
  Data = 128,
  Bench = 256,
  Inspect = 512,
};
using CommandSet = unsigned;
constexpr CommandSet operator|(Command a, Command b) { return unsigned(a) | unsigned(b); }
constexpr CommandSet operator|(CommandSet a, Command b) { return a | unsigned(b); }
constexpr bool contains(CommandSet set, Command command) { return set & unsigned(command); }

/// Name of a command as typed, e.g. "train".
std::string_view commandName(Command command);

/// Where a key's value goes; the member's type is the key's type.
using Field = std::variant<std::string Config::*, int64_t Config::*, uint64_t Config::*, double Config::*,
                           bool Config::*, std::optional<double> Config::*,
                           std::vector<std::string> Config::*, std::vector<DatasetSpec> Config::*>;

struct Key {
  std::string_view name;
  std::vector<std::string_view> aliases = {};
  Field field;
  CommandSet commands;
  std::string_view doc;
  /// Values that are allowed (of each entry, for a list); empty: any.
  std::vector<std::string_view> choices = {};
  /// Bounds of a number, both included.
  double least = 0, greatest = std::numeric_limits<double>::infinity();
  CommandSet required = 0;
  /// Said in place of a default that other keys decide.
  std::string_view defaultDoc = {};
  /// The number may end in KiB, MiB or GiB.
  bool bytes = false;
  /// A text that may be a list, which is its entries with commas between.
  bool joined = false;
};

std::span<const Key> keys();
/// By name or alias, `-` standing for `_`; null when there is none.
const Key *findKey(std::string_view name);
/// The name or alias nearest to a name that is none, among the keys of a command.
std::string_view nearestKey(std::string_view name, Command command);

/// What a value must look like, for messages: "a whole number", "one of linear, constant".
std::string expectation(const Key &key);
/// The default as `--help` prints it.
std::string defaultText(const Key &key);

/// The candidate with the least edit distance (insert, delete, replace, swap of neighbours); empty without
/// candidates.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

} // namespace mlora
