// A tree and its variables to text, within bounds of work and memory.
#pragma once

#include "Ast.h"
#include "mlora/Runtime/Chat/ChatTemplate.h"

#include <string>
#include <unordered_map>

namespace mlora::jinja {

/// What a call was given, taken one by one.
class Arguments {
public:
  explicit Arguments(std::string what) : what(std::move(what)) {}

  std::vector<Value> positional = {};
  std::vector<std::pair<std::string, Value>> named = {};
  std::string what; ///< `filter join`, for messages

  /// The argument at a position or of a name; null when it was not given.
  const Value *optional(size_t position, std::string_view name);
  size_t size() const { return positional.size() + named.size(); }
  /// Of the positional ones and the names asked for so far: throws Error for any other.
  void checkAllUsed(class Interpreter &interpreter) const;

private:
  size_t asked = 0;
  std::vector<std::string_view> used = {};
};

class Interpreter {
public:
  Interpreter(const std::string &where, Map variables, std::time_t now);

  ChatTemplate::Text run(const Node &body);

  Value evaluate(const Node &node);

  // For filters, tests, methods and functions:
  [[noreturn]] void fail(const std::string &message) const;
  /// Counts work: nodes, and what values take. Throws when it is more than a template may do.
  void charge(size_t bytes);
  Value string(std::string text);
  Value list(List items);
  Value map(Map entries);
  /// As it is printed; its work is counted.
  std::string text(const Value &value);
  Value replace(const std::string &text, const std::string &from, const std::string &to, int64_t most);
  bool areEqual(const Value &a, const Value &b);
  /// Items of a list, keys of a dict, characters of a string; of an undefined value none.
  List iterate(const Value &value);
  Value attribute(const Value &object, std::string_view name);
  Value item(const Value &object, const Value &key);
  int64_t length(const Value &value);
  /// The value, or an error that says that it is none of these.
  const std::string &textOf(const Value &value, const std::string &what) const;
  int64_t wholeOf(const Value &value, const std::string &what) const;
  bool isLess(const Value &a, const Value &b) const;
  bool contains(const Value &container, const Value &value);
  Value callFilter(const std::string &name, const Value &value, Arguments &arguments);
  bool callTest(const std::string &name, const Value &value, Arguments &arguments);

private:
  enum class Flow { Next, Break, Continue };
  using Scope = std::unordered_map<std::string, Value>;

  Flow execute(const Node &node);
  Flow executeBody(const Node &node);
  Flow executeIf(const Node &node);
  void executeFor(const Node &node);
  Value loopValue(const List &items, size_t index) const;
  void assign(const std::vector<std::string> &names, const Value &value);
  void assignAttribute(const Node &node, Value value);
  const Value &bounded(const Value &value);
  std::string captured(const Node &body);
  void print(std::string_view text);

  Value variable(const std::string &name) const;
  Value binary(const Node &node);
  Value arithmetic(const std::string &op, const Value &a, const Value &b);
  Value add(const Value &a, const Value &b);
  Value compare(const Node &node);
  bool compareOne(const std::string &op, const Value &a, const Value &b);
  Value slice(const Node &node);
  Value call(const Node &node);
  Value callFunction(const std::string &name, Arguments &arguments);
  Value callMethod(const Value &object, const std::string &name, Arguments &arguments);
  Arguments argumentsOf(const Node &node, std::string what);

  const std::string &where;
  std::time_t now;
  std::vector<Scope> scopes;
  std::string output;
  std::vector<TextSpan> generated;
  int64_t line = 0; ///< of the node at work
  int64_t captures = 0;
  size_t work = 0;
};

/// Functions that a template may call by name.
bool isFunction(std::string_view name);

} // namespace mlora::jinja
