// Strict JSON: duplicate keys are refused, errors name file and line, fields are read with a message when
// ill-typed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

/// Parses one JSON value; only white space may follow it. Duplicate keys, invalid UTF-8 and more than 200
/// levels of nesting are errors. Messages begin with `where:line: `, lines counted from `firstLine`.
nlohmann::json parseJson(std::string_view text, const std::string &where, int64_t firstLine = 1);

nlohmann::json readJsonFile(const std::filesystem::path &path);

/// A row of a data file, a conversation: its keys keep the file's order, in which templates and samples print them.
using RowJson = nlohmann::ordered_json;

/// As parseJson; an object may have 10,000 keys (they are looked for one by one).
RowJson parseRow(std::string_view text, const std::string &where, int64_t firstLine = 1);

/// An object read by key. Each getter throws Error(BadInput) that names where, key, what was expected and
/// what is there; the `optional…` ones give nothing for a key that is absent or null.
template <typename Json> class ObjectFields {
public:
  /// Keeps a reference to `value`, which must be an object.
  ObjectFields(const Json &value, std::string where);

  bool has(const char *key) const; ///< present and not null
  int64_t integer(const char *key) const;
  double number(const char *key) const;
  std::string string(const char *key) const;
  std::vector<std::string> strings(const char *key) const;
  ObjectFields object(const char *key) const;

  std::optional<int64_t> optionalInteger(const char *key) const;
  std::optional<double> optionalNumber(const char *key) const;
  std::optional<bool> optionalBoolean(const char *key) const;
  std::optional<std::string> optionalString(const char *key) const;

  const Json &raw() const { return value; }
  const std::string &where() const { return place; }
  /// `where: key "key": message`
  [[noreturn]] void refuse(const char *key, const std::string &message) const;

private:
  const Json &at(const char *key) const;
  const Json &value;
  std::string place;
};

using JsonFields = ObjectFields<nlohmann::json>;
using RowFields = ObjectFields<RowJson>;

} // namespace mlora
