// Functions and methods.
#include "Characters.h"
#include "Interpreter.h"

#include <algorithm>
#include <ctime>

namespace mlora::jinja {

using Kind = Node::Kind;

namespace {

constexpr std::string_view functions[] = {"raise_exception", "strftime_now", "range", "namespace", "dict"};

/// Pieces between separators; `most` < 0: all. From the right when `fromRight`.
std::vector<std::string> splitAt(std::string_view text, std::string_view separator, int64_t most,
                                 bool fromRight) {
  std::vector<std::string> parts;
  if (fromRight) {
    for (size_t found; most != 0 && (found = text.rfind(separator)) != text.npos; --most) {
      parts.emplace_back(text.substr(found + separator.size()));
      text = text.substr(0, found);
    }
    parts.emplace_back(text);
    std::ranges::reverse(parts);
    return parts;
  }
  for (size_t found; most != 0 && (found = text.find(separator)) != text.npos; --most) {
    parts.emplace_back(text.substr(0, found));
    text = text.substr(found + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

/// str.splitlines: an end of line is any of Python's, "\r\n" is one.
std::vector<std::string> lines(std::string_view text) {
  static constexpr std::string_view ends[] = {"\r\n", "\n",   "\r",       "\v",     "\f",    "\x1c",
                                              "\x1d", "\x1e", "\xc2\x85", "\u2028", "\u2029"};
  std::vector<std::string> parts;
  std::string part;
  for (size_t at = 0; at < text.size();) {
    auto end =
        std::ranges::find_if(ends, [&](std::string_view each) { return text.substr(at).starts_with(each); });
    if (end == std::end(ends)) {
      part += text[at++];
      continue;
    }
    at += end->size();
    parts.push_back(std::exchange(part, ""));
  }
  if (!part.empty())
    parts.push_back(part);
  return parts;
}

/// str.split with a bound but no separator.
std::vector<std::string> wordsUpTo(std::string_view text, int64_t most) {
  std::vector<std::string> parts;
  std::string rest = stripped(text, true, false);
  while (!rest.empty()) {
    if (most-- == 0) {
      parts.push_back(stripped(rest, false, true));
      break;
    }
    std::string word = words(rest).front();
    parts.push_back(word);
    rest = stripped(std::string_view(rest).substr(word.size()), true, false);
  }
  return parts;
}

} // namespace

bool isFunction(std::string_view name) { return std::ranges::find(functions, name) != std::end(functions); }

Arguments Interpreter::argumentsOf(const Node &node, std::string what) {
  Arguments result(std::move(what));
  for (size_t i = 1; i < node.parts.size(); ++i)
    result.positional.push_back(evaluate(*node.parts[i]));
  for (const auto &[name, part] : node.keywords)
    result.named.emplace_back(name, evaluate(*part));
  return result;
}

Value Interpreter::call(const Node &node) {
  const Node &callee = *node.parts[0];
  if (callee.kind == Kind::Attribute) {
    Value object = evaluate(*callee.parts[0]);
    Arguments arguments = argumentsOf(node, "method " + callee.text);
    line = node.line;
    Value result = callMethod(object, callee.text, arguments);
    arguments.checkAllUsed(*this);
    return result;
  }
  Value function = evaluate(callee);
  if (!function.is<Function>())
    fail(callee.kind == Kind::Name ? "function `" + callee.text + "` is not supported or not defined"
                                   : "only functions and methods can be called");
  const std::string name = std::get<Function>(function.data).name;
  Arguments arguments = argumentsOf(node, "function " + name);
  line = node.line;
  return callFunction(name, arguments);
}

Value Interpreter::callFunction(const std::string &name, Arguments &arguments) {
  if (name == "namespace" || name == "dict") {
    if (!arguments.positional.empty())
      fail(arguments.what + " takes arguments with names");
    Value result = map({.entries = std::move(arguments.named)});
    result.entries()->isNamespace = name == "namespace";
    return result;
  }
  const Value *first = arguments.optional(0, name == "strftime_now" ? "format" : "message");
  if (name == "raise_exception") {
    arguments.checkAllUsed(*this);
    fail("the template refuses the messages: " + (first ? text(*first) : "it does not say why"));
  }
  if (!first)
    fail(arguments.what + " needs an argument");
  if (name == "strftime_now") {
    arguments.checkAllUsed(*this);
    std::tm parts{};
    localtime_r(&now, &parts);
    char buffer[1024];
    return string(
        {buffer, std::strftime(buffer, sizeof buffer, textOf(*first, arguments.what).c_str(), &parts)});
  }
  int64_t bounds[3] = {0, wholeOf(*first, arguments.what), 1};
  if (const Value *end = arguments.optional(1, "stop")) {
    bounds[0] = bounds[1];
    bounds[1] = wholeOf(*end, arguments.what);
  }
  if (const Value *step = arguments.optional(2, "step"))
    bounds[2] = wholeOf(*step, arguments.what);
  arguments.checkAllUsed(*this);
  if (bounds[2] == 0)
    fail("the step of range is 0");
  constexpr int64_t most = 100'000; // as Jinja's sandbox
  List items;
  for (__int128 i = bounds[0]; bounds[2] > 0 ? i < bounds[1] : i > bounds[1]; i += bounds[2]) {
    if (int64_t(items.size()) == most)
      fail("a range of more than " + std::to_string(most) + " numbers");
    items.push_back({int64_t(i)});
  }
  return list(std::move(items));
}

Value Interpreter::replace(const std::string &text, const std::string &from, const std::string &to,
                           int64_t most) {
  // Counted before it is made: a few replacements could make a text that no memory holds.
  size_t places = from.empty() ? text.size() + 1 : splitAt(text, from, most, false).size() - 1;
  if (most >= 0)
    places = std::min(places, size_t(most));
  charge(text.size() + places * to.size());
  return string(replaced(text, from, to, most));
}

Value Interpreter::callMethod(const Value &object, const std::string &name, Arguments &arguments) {
  auto list = [&](const std::vector<std::string> &parts) {
    List items;
    for (const std::string &part : parts)
      items.push_back({part});
    return this->list(std::move(items));
  };
  auto argument = [&](size_t position, const char *key) -> const std::string & {
    const Value *given = arguments.optional(position, key);
    if (!given)
      fail(arguments.what + " needs an argument");
    return textOf(*given, arguments.what);
  };
  if (object.is<Undefined>())
    fail("`" + std::get<Undefined>(object.data).name + "` is undefined: it has no method `" + name + "`");
  if (Map *map = object.entries(); map && !map->isNamespace) {
    if (name == "get") {
      const Value *found = map->find(argument(0, "key")), *otherwise = arguments.optional(1, "default");
      return found ? *found : otherwise ? *otherwise : Value{};
    }
    if (name == "items" || name == "keys" || name == "values") {
      List items;
      for (const auto &[key, value] : map->entries)
        items.push_back(name == "items" ? Value::list({{key}, value}) : name == "keys" ? Value{key} : value);
      return this->list(std::move(items));
    }
  }
  if (const std::string *self = object.text()) {
    charge(self->size());
    if (name == "strip" || name == "lstrip" || name == "rstrip") {
      const Value *set = arguments.optional(0, "chars");
      std::string what = set && !set->is<None>() ? textOf(*set, arguments.what) : "";
      return string(stripped(*self, name != "rstrip", name != "lstrip", what));
    }
    if (name == "split" || name == "rsplit") {
      const Value *separator = arguments.optional(0, "sep"), *limit = arguments.optional(1, "maxsplit");
      int64_t most = limit ? wholeOf(*limit, arguments.what) : -1;
      if (separator && !separator->is<None>()) {
        if (textOf(*separator, arguments.what).empty())
          fail(arguments.what + ": empty separator");
        return list(splitAt(*self, *separator->text(), most, name == "rsplit"));
      }
      if (most >= 0 && name == "rsplit")
        fail("method rsplit needs a separator when it has a bound");
      return list(most < 0 ? words(*self) : wordsUpTo(*self, most));
    }
    if (name == "startswith" || name == "endswith") {
      const Value *given = arguments.optional(0, name == "startswith" ? "prefix" : "suffix");
      auto matches = [&](const Value &part) {
        const std::string &end = textOf(part, arguments.what);
        return name == "startswith" ? self->starts_with(end) : self->ends_with(end);
      };
      if (!given)
        fail(arguments.what + " needs an argument");
      return {given->items() ? std::ranges::any_of(*given->items(), matches) : matches(*given)};
    }
    if (name == "upper")
      return string(upper(*self));
    if (name == "lower")
      return string(lower(*self));
    if (name == "capitalize")
      return string(capitalised(*self));
    if (name == "title")
      return string(titled(*self));
    if (name == "splitlines")
      return list(lines(*self));
    if (name == "replace") {
      const std::string &from = argument(0, "old"), &to = argument(1, "new");
      const Value *count = arguments.optional(2, "count");
      return replace(*self, from, to, count ? wholeOf(*count, arguments.what) : -1);
    }
    if (name == "removeprefix" || name == "removesuffix") {
      const std::string &part = argument(0, name == "removeprefix" ? "prefix" : "suffix");
      if (name == "removeprefix")
        return string(self->starts_with(part) ? self->substr(part.size()) : *self);
      return string(self->ends_with(part) ? self->substr(0, self->size() - part.size()) : *self);
    }
    if (name == "find") {
      size_t found = self->find(argument(0, "sub"));
      return {found == self->npos ? int64_t(-1) : jinja::length(std::string_view(*self).substr(0, found))};
    }
    if (name == "count") {
      const std::string &part = argument(0, "sub");
      return {part.empty() ? jinja::length(*self) + 1 : int64_t(splitAt(*self, part, -1, false).size()) - 1};
    }
    if (name == "join") {
      const Value *items = arguments.optional(0, "iterable");
      Arguments separator("method join");
      separator.positional = {object};
      return callFilter("join", items ? *items : Value{}, separator);
    }
    if (name == "isdigit")
      return {!self->empty() && self->find_first_not_of("0123456789") == self->npos};
  }
  fail("method `" + name + "` of " + std::string(object.typeName()) + " is not supported");
}

} // namespace mlora::jinja
