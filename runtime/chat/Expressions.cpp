// What expressions mean: Python's arithmetic, comparison and indexing.
#include "Characters.h"
#include "Interpreter.h"

#include <algorithm>
#include <cmath>

namespace mlora::jinja {

using Kind = Node::Kind;

Value Interpreter::evaluate(const Node &node) {
  line = node.line;
  charge(0);
  switch (node.kind) {
  case Kind::Literal:
    return node.value;
  case Kind::Name: {
    Value value = variable(node.text);
    if (value.text())
      charge(value.text()->size());
    return value;
  }
  case Kind::List: {
    List items;
    for (const NodePtr &part : node.parts)
      items.push_back(evaluate(*part));
    return list(std::move(items));
  }
  case Kind::Map: {
    Map entries;
    for (size_t i = 0; i < node.parts.size(); i += 2) {
      Value key = evaluate(*node.parts[i]);
      entries.set(textOf(key, "the key of a dict"), evaluate(*node.parts[i + 1]));
    }
    return map(std::move(entries));
  }
  case Kind::Attribute:
    return attribute(evaluate(*node.parts[0]), node.text);
  case Kind::Item: {
    Value object = evaluate(*node.parts[0]);
    return item(object, evaluate(*node.parts[1]));
  }
  case Kind::Slice:
    return slice(node);
  case Kind::Call:
    return call(node);
  case Kind::Filter:
  case Kind::Test: {
    bool isFilter = node.kind == Kind::Filter;
    Value value = evaluate(*node.parts[0]);
    Arguments arguments = argumentsOf(node, (isFilter ? "filter " : "test ") + node.text);
    line = node.line;
    return isFilter ? callFilter(node.text, value, arguments) : Value{callTest(node.text, value, arguments)};
  }
  case Kind::Unary: {
    Value value = evaluate(*node.parts[0]);
    if (node.text == "not")
      return {!value.truth()};
    return arithmetic(node.text, {int64_t(0)}, value);
  }
  case Kind::Binary:
    return binary(node);
  case Kind::Compare:
    return compare(node);
  default: { // Conditional
    if (evaluate(*node.parts[0]).truth())
      return evaluate(*node.parts[1]);
    return node.parts[2] ? evaluate(*node.parts[2]) : Value{Undefined{"the value of an `if` without `else`"}};
  }
  }
}

Value Interpreter::binary(const Node &node) {
  Value left = evaluate(*node.parts[0]);
  if (node.text == "or")
    return left.truth() ? left : evaluate(*node.parts[1]);
  if (node.text == "and")
    return left.truth() ? evaluate(*node.parts[1]) : left;
  Value right = evaluate(*node.parts[1]);
  line = node.line;
  if (node.text == "~")
    return string(text(left) + text(right));
  return node.text == "+" ? add(left, right) : arithmetic(node.text, left, right);
}

Value Interpreter::add(const Value &a, const Value &b) {
  if (a.text() && b.text())
    return string(*a.text() + *b.text());
  if (a.items() && b.items()) {
    List items = *a.items();
    items.insert(items.end(), b.items()->begin(), b.items()->end());
    return list(std::move(items));
  }
  return arithmetic("+", a, b);
}

Value Interpreter::arithmetic(const std::string &op, const Value &a, const Value &b) {
  if (a.is<Undefined>() || b.is<Undefined>())
    fail("`" + std::get<Undefined>(a.is<Undefined>() ? a.data : b.data).name + "` is undefined");
  if (!a.isNumber() || !b.isNumber())
    fail("`" + op + "` of " + std::string(a.typeName()) + " and " + std::string(b.typeName()) +
         " (a text of something else is made by ~ or |string)");
  bool divides = op == "/" || op == "//" || op == "%";
  if (divides && b.number() == 0)
    fail("division by zero");
  if (op == "/")
    return {a.number() / b.number()};
  if (!a.isWhole() || !b.isWhole()) {
    double x = a.number(), y = b.number();
    return {op == "+"    ? x + y
            : op == "-"  ? x - y
            : op == "*"  ? x * y
            : op == "//" ? std::floor(x / y)
                         : x - std::floor(x / y) * y};
  }
  int64_t x = a.whole(), y = b.whole(), result = 0;
  bool overflows = op == "+"   ? __builtin_add_overflow(x, y, &result)
                   : op == "-" ? __builtin_sub_overflow(x, y, &result)
                   : op == "*" ? __builtin_mul_overflow(x, y, &result)
                               : y == -1 && __builtin_sub_overflow(int64_t(0), x, &result);
  if (overflows)
    fail("a whole number beyond 64 bits");
  if (divides && y != -1) {
    int64_t floor = x / y - (x % y != 0 && (x < 0) != (y < 0));
    result = op == "//" ? floor : x - floor * y;
  } else if (op == "%") {
    result = 0;
  }
  return {result};
}

Value Interpreter::compare(const Node &node) {
  Value left = evaluate(*node.parts[0]);
  for (size_t i = 0; i < node.names.size(); ++i) {
    Value right = evaluate(*node.parts[i + 1]);
    line = node.line;
    if (!compareOne(node.names[i], left, right))
      return {false};
    left = std::move(right);
  }
  return {true};
}

bool Interpreter::compareOne(const std::string &op, const Value &a, const Value &b) {
  if (op == "==")
    return areEqual(a, b);
  if (op == "!=")
    return !areEqual(a, b);
  if (op == "in")
    return contains(b, a);
  if (op == "not in")
    return !contains(b, a);
  if (op == "<")
    return isLess(a, b);
  if (op == ">")
    return isLess(b, a);
  return op == "<=" ? !isLess(b, a) : !isLess(a, b);
}

bool Interpreter::isLess(const Value &a, const Value &b) const {
  if (a.isNumber() && b.isNumber())
    return a.isWhole() && b.isWhole() ? a.whole() < b.whole() : a.number() < b.number();
  if (!a.text() || !b.text())
    fail("order of " + std::string(a.typeName()) + " and " + std::string(b.typeName()));
  return *a.text() < *b.text(); // UTF-8 keeps the order of characters
}

bool Interpreter::contains(const Value &container, const Value &value) {
  if (container.text())
    return container.text()->find(textOf(value, "what is looked for in a text")) != std::string::npos;
  if (container.items())
    return std::ranges::any_of(*container.items(), [&](const Value &item) { return areEqual(item, value); });
  if (container.entries())
    return value.text() && container.entries()->find(*value.text());
  if (container.is<Undefined>())
    return false;
  fail("`in` of " + std::string(container.typeName()));
}

Value Interpreter::attribute(const Value &object, std::string_view name) {
  if (object.is<Undefined>())
    fail("`" + std::get<Undefined>(object.data).name + "` is undefined: it has no `" + std::string(name) +
         "`");
  if (object.entries())
    if (const Value *found = object.entries()->find(name))
      return *found;
  if (object.items() && !name.empty() && name.find_first_not_of("0123456789") == name.npos)
    return item(object, {int64_t(std::stoll(std::string(name.substr(0, 18))))});
  return {Undefined{std::string(object.typeName()) + "." + std::string(name)}};
}

Value Interpreter::item(const Value &object, const Value &key) {
  if (key.text())
    return attribute(object, *key.text());
  if (object.is<Undefined>())
    fail("`" + std::get<Undefined>(object.data).name + "` is undefined");
  Undefined none{std::string(object.typeName()) + "[" + represented(key) + "]"};
  if (!key.isWhole())
    return {none};
  int64_t index = key.whole();
  if (object.items()) {
    auto size = int64_t(object.items()->size());
    index += index < 0 ? size : 0;
    return index >= 0 && index < size ? (*object.items())[size_t(index)] : Value{none};
  }
  if (!object.text())
    return {none};
  charge(object.text()->size());
  std::vector<std::string_view> list = characters(*object.text());
  index += index < 0 ? int64_t(list.size()) : 0;
  return index >= 0 && index < int64_t(list.size()) ? string(std::string(list[size_t(index)])) : Value{none};
}

/// Python's slice of n items: the indices in order.
static std::vector<int64_t> sliced(int64_t n, const int64_t *first, const int64_t *last, int64_t step) {
  auto clamped = [&](const int64_t *given, int64_t otherwise) {
    if (!given)
      return otherwise;
    int64_t value = *given < 0 ? std::max(*given, -n - 1) + n : std::min(*given, n);
    return step > 0 ? std::clamp<int64_t>(value, 0, n) : std::clamp<int64_t>(value, -1, n - 1);
  };
  int64_t begin = clamped(first, step > 0 ? 0 : n - 1), end = clamped(last, step > 0 ? n : -1);
  std::vector<int64_t> result;
  for (int64_t i = begin; step > 0 ? i < end : i > end; i += std::clamp(step, -n - 1, n + 1))
    result.push_back(i);
  return result;
}

Value Interpreter::slice(const Node &node) {
  Value object = evaluate(*node.parts[0]);
  int64_t bounds[3] = {0, 0, 1};
  bool given[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    if (i + 1 >= node.parts.size() || !node.parts[i + 1])
      continue;
    Value bound = evaluate(*node.parts[i + 1]);
    if (bound.is<None>())
      continue;
    bounds[i] = wholeOf(bound, "the bound of a slice");
    given[i] = true;
  }
  line = node.line;
  if (bounds[2] == 0)
    fail("the step of a slice is 0");
  auto indices = [&](size_t n) {
    return sliced(int64_t(n), given[0] ? &bounds[0] : nullptr, given[1] ? &bounds[1] : nullptr, bounds[2]);
  };
  if (object.text()) {
    std::vector<std::string_view> list = characters(*object.text());
    std::string text;
    for (int64_t i : indices(list.size()))
      text += list[size_t(i)];
    return string(std::move(text));
  }
  if (!object.items())
    fail("a slice of " + std::string(object.typeName()));
  List items;
  for (int64_t i : indices(object.items()->size()))
    items.push_back((*object.items())[size_t(i)]);
  return list(std::move(items));
}

List Interpreter::iterate(const Value &value) {
  List items;
  if (value.items())
    items = *value.items();
  else if (value.entries() && !value.entries()->isNamespace)
    for (const auto &[key, entry] : value.entries()->entries)
      items.push_back({key});
  else if (value.text())
    for (std::string_view character : characters(*value.text()))
      items.push_back({std::string(character)});
  else if (!value.is<Undefined>())
    fail(std::string(value.typeName()) + " has no items");
  charge(items.size() * sizeof(Value));
  return items;
}

int64_t Interpreter::length(const Value &value) {
  if (value.text()) {
    charge(value.text()->size());
    return jinja::length(*value.text());
  }
  return int64_t(iterate(value).size());
}

const std::string &Interpreter::textOf(const Value &value, const std::string &what) const {
  if (value.is<Undefined>())
    fail(what + ": `" + std::get<Undefined>(value.data).name + "` is undefined");
  if (!value.text())
    fail(what + ": expected a str, got " + std::string(value.typeName()));
  return *value.text();
}

int64_t Interpreter::wholeOf(const Value &value, const std::string &what) const {
  if (!value.isWhole())
    fail(what + ": expected an int, got " + std::string(value.typeName()));
  return value.whole();
}

} // namespace mlora::jinja
