// The whitelist of filters.
#include "Characters.h"
#include "Interpreter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>

namespace mlora::jinja {
namespace {

using Filter = Value (*)(Interpreter &, const Value &, Arguments &);

/// Jinja's soft_str: what a filter of texts makes of other values.
std::string textOf(Interpreter &interpreter, const Value &value) { return interpreter.text(value); }

template <std::string (*function)(std::string_view)>
Value mapText(Interpreter &interpreter, const Value &value, Arguments &) {
  return interpreter.string(function(textOf(interpreter, value)));
}

Value trim(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *set = arguments.optional(0, "chars");
  std::string what = set && !set->is<None>() ? interpreter.textOf(*set, arguments.what) : "";
  return interpreter.string(stripped(textOf(interpreter, value), true, true, what));
}

Value lengthOf(Interpreter &interpreter, const Value &value, Arguments &) {
  return {interpreter.length(value)};
}

Value toList(Interpreter &interpreter, const Value &value, Arguments &) {
  return interpreter.list(interpreter.iterate(value));
}

Value toText(Interpreter &interpreter, const Value &value, Arguments &) {
  return interpreter.string(interpreter.text(value));
}

Value unchanged(Interpreter &, const Value &value, Arguments &) { return value; }

Value first(Interpreter &interpreter, const Value &value, Arguments &) {
  List items = interpreter.iterate(value);
  return items.empty() ? Value{Undefined{"the first item of nothing"}} : items.front();
}

Value last(Interpreter &interpreter, const Value &value, Arguments &) {
  List items = interpreter.iterate(value);
  return items.empty() ? Value{Undefined{"the last item of nothing"}} : items.back();
}

Value reverse(Interpreter &interpreter, const Value &value, Arguments &) {
  List items = interpreter.iterate(value);
  std::ranges::reverse(items);
  if (!value.text())
    return interpreter.list(std::move(items));
  std::string text;
  for (const Value &item : items)
    text += *item.text();
  return interpreter.string(std::move(text));
}

Value defaulted(Interpreter &, const Value &value, Arguments &arguments) {
  const Value *otherwise = arguments.optional(0, "default_value"),
              *falseToo = arguments.optional(1, "boolean");
  bool absent = value.is<Undefined>() || (falseToo && falseToo->truth() && !value.truth());
  return !absent ? value : otherwise ? *otherwise : Value{std::string()};
}

Value join(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *given = arguments.optional(0, "d"), *key = arguments.optional(1, "attribute");
  std::string separator = given ? textOf(interpreter, *given) : "", text;
  bool isFirst = true;
  for (const Value &item : interpreter.iterate(value)) {
    if (!std::exchange(isFirst, false)) {
      interpreter.charge(separator.size());
      text += separator;
    }
    text += interpreter.text(key ? interpreter.item(item, *key) : item);
  }
  return interpreter.string(std::move(text));
}

Value replace(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *from = arguments.optional(0, "old"), *to = arguments.optional(1, "new"),
              *count = arguments.optional(2, "count");
  if (!from || !to)
    interpreter.fail("filter replace needs what to replace, and by what");
  int64_t most = count && !count->is<None>() ? interpreter.wholeOf(*count, arguments.what) : -1;
  return interpreter.replace(textOf(interpreter, value), textOf(interpreter, *from), textOf(interpreter, *to),
                             most);
}

Value tojson(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *indent = arguments.optional(0, "indent");
  if (value.is<Undefined>() || value.is<Function>())
    interpreter.fail("filter tojson of " + std::string(value.typeName()));
  int64_t columns = indent && !indent->is<None>() ? interpreter.wholeOf(*indent, arguments.what) : -1;
  if (columns > 16)
    interpreter.fail("filter tojson: an indent of more than 16");
  interpreter.charge(value.extent().weight *
                     size_t(32 + std::max<int64_t>(columns, 0) * value.extent().depth));
  return interpreter.string(toJson(value, columns));
}

Value toInteger(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *otherwise = arguments.optional(0, "default");
  if (value.isWhole())
    return {value.whole()};
  if (value.is<double>() && std::fabs(value.number()) < 9e18)
    return {int64_t(value.number())};
  std::string text = stripped(textOf(interpreter, value), true, true);
  int64_t number = 0;
  const char *end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + text.starts_with('+'), end, number);
  if (error == std::errc() && rest == end)
    return Value{number};
  // Jinja's second try: '1.9' and '1e3' are numbers, cut.
  double real = 0;
  auto [realRest, realError] = std::from_chars(text.data() + text.starts_with('+'), end, real);
  if (realError == std::errc() && realRest == end && std::fabs(real) < 9e18)
    return Value{int64_t(real)};
  return otherwise ? *otherwise : Value{int64_t(0)};
}

Value toFloat(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *otherwise = arguments.optional(0, "default");
  if (value.isNumber())
    return {value.number()};
  std::string text = stripped(textOf(interpreter, value), true, true);
  double number = 0;
  const char *end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + text.starts_with('+'), end, number);
  return error == std::errc() && rest == end ? Value{number} : otherwise ? *otherwise : Value{0.0};
}

Value absolute(Interpreter &interpreter, const Value &value, Arguments &) {
  if (value.is<double>())
    return {std::fabs(value.number())};
  int64_t number = interpreter.wholeOf(value, "filter abs");
  return {number < 0 && number != INT64_MIN ? -number : number};
}

Value items(Interpreter &interpreter, const Value &value, Arguments &) {
  if (value.is<Undefined>())
    return interpreter.list({});
  if (!value.entries() || value.entries()->isNamespace)
    interpreter.fail("filter items of " + std::string(value.typeName()));
  List result;
  for (const auto &[key, entry] : value.entries()->entries)
    result.push_back(Value::list({{key}, entry}));
  return interpreter.list(std::move(result));
}

Value indent(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *width = arguments.optional(0, "width"), *firstToo = arguments.optional(1, "first"),
              *blankToo = arguments.optional(2, "blank");
  std::string space =
      width && width->text()
          ? *width->text()
          : std::string(
                size_t(std::clamp<int64_t>(width ? interpreter.wholeOf(*width, arguments.what) : 4, 0, 100)),
                ' ');
  std::string result, text = textOf(interpreter, value);
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    bool indents =
        begin == 0 ? firstToo && firstToo->truth() : end > begin || (blankToo && blankToo->truth());
    interpreter.charge(space.size());
    result += (begin ? "\n" : "") + (indents ? space : "") + text.substr(begin, end - begin);
    begin = end + 1;
  }
  return interpreter.string(std::move(result));
}

Value extreme(Interpreter &interpreter, const Value &value, bool greatest) {
  List items = interpreter.iterate(value);
  if (items.empty())
    return {Undefined{"the extreme of nothing"}};
  Value best = items.front();
  for (const Value &item : items)
    if (greatest ? interpreter.isLess(best, item) : interpreter.isLess(item, best))
      best = item;
  return best;
}

Value least(Interpreter &interpreter, const Value &value, Arguments &) {
  return extreme(interpreter, value, false);
}
Value greatest(Interpreter &interpreter, const Value &value, Arguments &) {
  return extreme(interpreter, value, true);
}

/// An attribute of several levels: `function.name`.
Value path(Interpreter &interpreter, const Value &item, const std::string &name) {
  size_t dot = name.find('.');
  Value value = interpreter.attribute(item, name.substr(0, dot));
  return dot == name.npos ? value : path(interpreter, value, name.substr(dot + 1));
}

Value mapped(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  List result;
  const Value *key = arguments.optional(0, "attribute"), *otherwise = arguments.optional(1, "default");
  bool byAttribute = arguments.positional.empty();
  if (!key)
    interpreter.fail("filter map needs a filter's name or attribute=…");
  const std::string &name = interpreter.textOf(*key, "filter map");
  for (const Value &item : interpreter.iterate(value)) {
    if (byAttribute) {
      Value found = path(interpreter, item, name);
      result.push_back(found.is<Undefined>() && otherwise ? *otherwise : std::move(found));
      continue;
    }
    Arguments rest("filter " + name);
    rest.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
    rest.named = arguments.named;
    result.push_back(interpreter.callFilter(name, item, rest));
  }
  for (size_t i = 1; i < arguments.positional.size(); ++i)
    arguments.optional(i, "");
  return interpreter.list(std::move(result));
}

/// select, reject, selectattr, rejectattr.
template <bool keeps, bool byAttribute>
Value chosen(Interpreter &interpreter, const Value &value, Arguments &arguments) {
  const Value *key = byAttribute ? arguments.optional(0, "attribute") : nullptr;
  const Value *test = arguments.optional(byAttribute, "test");
  if (byAttribute && !key)
    interpreter.fail(arguments.what + " needs an attribute's name");
  for (size_t i = byAttribute + 1; i < arguments.positional.size(); ++i)
    arguments.optional(i, "");
  List result;
  for (const Value &item : interpreter.iterate(value)) {
    Value tested = key ? path(interpreter, item, interpreter.textOf(*key, arguments.what)) : item;
    bool passes = tested.truth();
    if (test) {
      const std::string &name = interpreter.textOf(*test, arguments.what);
      Arguments rest("test " + name);
      rest.positional.assign(arguments.positional.begin() + byAttribute + 1, arguments.positional.end());
      passes = interpreter.callTest(name, tested, rest);
    }
    if (passes == keeps)
      result.push_back(item);
  }
  return interpreter.list(std::move(result));
}

const std::map<std::string_view, Filter> &filters() {
  static const std::map<std::string_view, Filter> table = {
      {"abs", absolute},
      {"capitalize", mapText<capitalised>},
      {"count", lengthOf},
      {"d", defaulted},
      {"default", defaulted},
      {"first", first},
      {"float", toFloat},
      {"indent", indent},
      {"int", toInteger},
      {"items", items},
      {"join", join},
      {"last", last},
      {"length", lengthOf},
      {"list", toList},
      {"lower", mapText<lower>},
      {"map", mapped},
      {"max", greatest},
      {"min", least},
      {"reject", chosen<false, false>},
      {"rejectattr", chosen<false, true>},
      {"replace", replace},
      {"reverse", reverse},
      {"safe", unchanged},
      {"select", chosen<true, false>},
      {"selectattr", chosen<true, true>},
      {"string", toText},
      {"title", mapText<titled>},
      {"tojson", tojson},
      {"trim", trim},
      {"upper", mapText<upper>},
  };
  return table;
}

} // namespace

Value Interpreter::callFilter(const std::string &name, const Value &value, Arguments &arguments) {
  auto found = filters().find(name);
  if (found == filters().end()) {
    std::string list;
    for (const auto &[known, function] : filters())
      list.append(list.empty() ? "" : ", ").append(known);
    fail("filter `" + name + "` is not supported (these are: " + list + ")");
  }
  charge(value.text() ? value.text()->size() : 0);
  Value result = found->second(*this, value, arguments);
  arguments.checkAllUsed(*this);
  return result;
}

} // namespace mlora::jinja
