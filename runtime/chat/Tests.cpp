// The whitelist of tests: what stands behind `is`.
#include "Characters.h"
#include "Interpreter.h"

#include <map>

namespace mlora::jinja {
namespace {

/// `other` is the argument, where the test takes one.
using Test = bool (*)(Interpreter &, const Value &value, const Value &other);

int64_t whole(Interpreter &interpreter, const Value &value) { return interpreter.wholeOf(value, "test"); }

bool isText(const Value &value) { return value.text(); }
bool isMapping(const Value &value) { return value.entries() && !value.entries()->isNamespace; }

struct Entry {
  bool takesOther;
  Test test;
};

#define PLAIN(expression)                                                                                    \
  Entry {                                                                                                    \
    false, [](Interpreter &, const Value &value, const Value &) -> bool { return expression; }               \
  }
#define WITH(expression)                                                                                     \
  Entry {                                                                                                    \
    true, [](Interpreter &in, const Value &value, const Value &other) -> bool { return expression; }         \
  }

const std::map<std::string_view, Entry> &tests() {
  static const Entry equals = WITH(in.areEqual(value, other)), less = WITH(in.isLess(value, other)),
                     greater = WITH(in.isLess(other, value)), differs = WITH(!in.areEqual(value, other)),
                     atMost = WITH(!in.isLess(other, value)), atLeast = WITH(!in.isLess(value, other));
  static const std::map<std::string_view, Entry> table = {
      {"boolean", PLAIN(value.is<bool>())},
      {"callable", PLAIN(value.is<Function>())},
      {"defined", PLAIN(!value.is<Undefined>())},
      {"undefined", PLAIN(value.is<Undefined>())},
      {"false", PLAIN(value.is<bool>() && !value.truth())},
      {"true", PLAIN(value.is<bool>() && value.truth())},
      {"float", PLAIN(value.is<double>())},
      {"integer", PLAIN(value.is<int64_t>())},
      {"number", PLAIN(value.isNumber())},
      {"none", PLAIN(value.is<None>())},
      {"string", PLAIN(isText(value))},
      {"mapping", PLAIN(isMapping(value))},
      {"sequence", PLAIN(isText(value) || value.items() || isMapping(value))},
      {"iterable", PLAIN(isText(value) || value.items() || isMapping(value) || value.is<Undefined>())},
      {"lower", PLAIN(isText(value) && lower(*value.text()) == *value.text() &&
                      upper(*value.text()) != *value.text())},
      {"upper", PLAIN(isText(value) && upper(*value.text()) == *value.text() &&
                      lower(*value.text()) != *value.text())},
      {"even",
       {false, [](Interpreter &in, const Value &value, const Value &) { return whole(in, value) % 2 == 0; }}},
      {"odd",
       {false, [](Interpreter &in, const Value &value, const Value &) { return whole(in, value) % 2 != 0; }}},
      {"divisibleby",
       WITH(whole(in, other) != 0 && (whole(in, other) == -1 || whole(in, value) % whole(in, other) == 0))},
      {"in", WITH(in.contains(other, value))},
      {"==", equals},
      {"eq", equals},
      {"equalto", equals},
      {"sameas", WITH(value.data.index() == other.data.index() && in.areEqual(value, other))},
      {"!=", differs},
      {"ne", differs},
      {"<", less},
      {"lt", less},
      {"lessthan", less},
      {"<=", atMost},
      {"le", atMost},
      {">", greater},
      {"gt", greater},
      {"greaterthan", greater},
      {">=", atLeast},
      {"ge", atLeast},
  };
  return table;
}

#undef PLAIN
#undef WITH

} // namespace

bool Interpreter::callTest(const std::string &name, const Value &value, Arguments &arguments) {
  auto found = tests().find(name);
  if (found == tests().end()) {
    std::string list;
    for (const auto &[known, entry] : tests())
      list.append(list.empty() ? "" : ", ").append(known);
    fail("test `is " + name + "` is not supported (these are: " + list + ")");
  }
  const Value *other = found->second.takesOther ? arguments.optional(0, "other") : nullptr;
  if (found->second.takesOther && !other)
    fail(arguments.what + " needs an argument");
  arguments.checkAllUsed(*this);
  return found->second.test(*this, value, other ? *other : Value{});
}

} // namespace mlora::jinja
