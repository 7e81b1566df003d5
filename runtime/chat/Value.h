// Values of a template, with Python's meaning: what is printed, what is true, what is equal.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mlora::jinja {

struct Value;
using List = std::vector<Value>;

/// How deep a value is, and how much of it there is to print (in nodes and blocks of 32 bytes): values may
/// share their parts, so that a few steps could make one that no memory holds.
struct Extent {
  int64_t depth = 0;
  size_t weight = 1;
};

/// A dict in order of insertion, or a namespace (the only value that templates change).
struct Map {
  std::vector<std::pair<std::string, Value>> entries;
  bool isNamespace = false;
  Extent extent = {};

  const Value *find(std::string_view key) const;
  void set(const std::string &key, Value value);
};

/// What a name that nobody set stands for: it prints as nothing, is false, and is an error to compute with.
struct Undefined {
  std::string name; ///< for the message
};
struct None {};
/// A function of the whitelist, by its name.
struct Function {
  std::string name;
};

struct ListBox;

struct Value {
  std::variant<Undefined, None, bool, int64_t, double, std::string, std::shared_ptr<const ListBox>,
               std::shared_ptr<Map>, Function>
      data = None{};

  static Value of(const RowJson &json);
  static Value list(List items);
  static Value map(Map entries);

  template <typename T> bool is() const { return std::holds_alternative<T>(data); }
  const std::string *text() const { return std::get_if<std::string>(&data); }
  const List *items() const;
  Map *entries() const;
  bool isNumber() const { return is<int64_t>() || is<double>() || is<bool>(); }
  bool isWhole() const { return is<int64_t>() || is<bool>(); }
  int64_t whole() const { return is<bool>() ? std::get<bool>(data) : std::get<int64_t>(data); }
  double number() const { return is<double>() ? std::get<double>(data) : double(whole()); }

  bool truth() const;
  Extent extent() const;
  /// Python's name of the type, for messages.
  std::string_view typeName() const;
};

struct ListBox {
  List items;
  Extent extent;
};

bool equal(const Value &a, const Value &b);
/// str(value), and repr(value) as lists and dicts show their items.
std::string printed(const Value &value);
std::string represented(const Value &value);
/// json.dumps(value, ensure_ascii=False, indent=indent); indent < 0: one line.
std::string toJson(const Value &value, int64_t indent);

} // namespace mlora::jinja
