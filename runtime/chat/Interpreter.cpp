// Statements, variables and the bounds.
#include "Interpreter.h"

#include "Characters.h"
#include "Lexer.h"

#include <algorithm>

namespace mlora::jinja {

using Kind = Node::Kind;

namespace {

/// Nodes evaluated and blocks of 32 bytes made: a conversation of a million tokens stays far below it.
constexpr size_t mostWork = 5'000'000;
/// Of one text.
constexpr size_t mostBytes = size_t(64) << 20;
/// Of a list or dict: destruction recurses over its levels.
constexpr int64_t mostDepth = 300;
constexpr size_t mostWeight = 10'000'000;

} // namespace

const Value *Arguments::optional(size_t position, std::string_view name) {
  asked = std::max(asked, position + 1);
  used.push_back(name);
  if (position < positional.size())
    return &positional[position];
  auto found =
      std::ranges::find(named, name, [](const auto &entry) { return std::string_view(entry.first); });
  return found == named.end() ? nullptr : &found->second;
}

void Arguments::checkAllUsed(Interpreter &interpreter) const {
  if (positional.size() > asked)
    interpreter.fail(what + " takes at most " + std::to_string(asked) + " arguments, got " +
                     std::to_string(positional.size()));
  for (const auto &[name, value] : named)
    if (std::ranges::find(used, name) == used.end())
      interpreter.fail(what + " has no argument `" + name + "`");
}

Interpreter::Interpreter(const std::string &where, Map variables, std::time_t now) : where(where), now(now) {
  Scope &scope = scopes.emplace_back();
  for (auto &[name, value] : variables.entries)
    scope[name] = std::move(value);
}

ChatTemplate::Text Interpreter::run(const Node &body) {
  execute(body);
  return {std::move(output), std::move(generated)};
}

void Interpreter::fail(const std::string &message) const { refuse(where, line, message); }

void Interpreter::charge(size_t bytes) {
  work += 1 + bytes / 32;
  if (work > mostWork)
    fail("the template works without end: stopped");
}

Value Interpreter::string(std::string text) {
  if (text.size() > mostBytes)
    fail("a text of more than " + std::to_string(mostBytes >> 20) + " MiB");
  charge(text.size());
  return {std::move(text)};
}

Value Interpreter::list(List items) {
  charge(items.size() * sizeof(Value));
  return bounded(Value::list(std::move(items)));
}

Value Interpreter::map(Map entries) { return bounded(Value::map(std::move(entries))); }

const Value &Interpreter::bounded(const Value &value) {
  Extent extent = value.extent();
  if (extent.depth > mostDepth || extent.weight > mostWeight)
    fail("a list or dict that is too deep or too large");
  auto holds = [](const Value &part) { return part.entries() && part.entries()->isNamespace; };
  bool holdsNamespace = value.items() && std::ranges::any_of(*value.items(), holds);
  if (const Map *map = value.entries())
    holdsNamespace =
        std::ranges::any_of(map->entries, [&](const auto &entry) { return holds(entry.second); });
  // What can change may hold nothing that holds it: it would never be freed.
  if (holdsNamespace)
    fail("a namespace inside of another value");
  return value;
}

std::string Interpreter::text(const Value &value) {
  charge(value.extent().weight * 32);
  return printed(value);
}

bool Interpreter::areEqual(const Value &a, const Value &b) {
  charge(std::min(a.extent().weight, b.extent().weight) * 32);
  return equal(a, b);
}

void Interpreter::print(std::string_view text) {
  charge(text.size());
  if (output.size() + text.size() > mostBytes)
    fail("the text is larger than " + std::to_string(mostBytes >> 20) + " MiB");
  output += text;
}

Value Interpreter::variable(const std::string &name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto found = scope->find(name); found != scope->end())
      return found->second;
  return isFunction(name) ? Value{Function{name}} : Value{Undefined{name}};
}

Interpreter::Flow Interpreter::execute(const Node &node) {
  line = node.line;
  charge(0);
  switch (node.kind) {
  case Kind::Body:
    return executeBody(node);
  case Kind::Text:
    print(node.text);
    return Flow::Next;
  case Kind::Output: {
    Value value = evaluate(*node.parts[0]);
    if (value.is<Function>())
      fail("a function is printed: it needs ( )");
    print(text(value));
    return Flow::Next;
  }
  case Kind::If:
    return executeIf(node);
  case Kind::For:
    executeFor(node);
    return Flow::Next;
  case Kind::Set: {
    Value value = evaluate(*node.parts[0]);
    line = node.line;
    if (node.text.empty())
      assign(node.names, value);
    else
      assignAttribute(node, std::move(value));
    return Flow::Next;
  }
  case Kind::SetBlock: {
    std::string text = captured(*node.parts[0]);
    assign(node.names, string(std::move(text)));
    return Flow::Next;
  }
  case Kind::Generation: {
    size_t begin = output.size();
    scopes.emplace_back();
    Flow flow = execute(*node.parts[0]);
    scopes.pop_back();
    if (captures == 0 && output.size() > begin)
      generated.push_back({begin, output.size()});
    return flow;
  }
  case Kind::Break:
    return Flow::Break;
  default:
    return Flow::Continue;
  }
}

Interpreter::Flow Interpreter::executeBody(const Node &node) {
  for (const NodePtr &statement : node.parts)
    if (Flow flow = execute(*statement); flow != Flow::Next)
      return flow;
  return Flow::Next;
}

Interpreter::Flow Interpreter::executeIf(const Node &node) {
  for (size_t i = 0; i + 1 < node.parts.size(); i += 2)
    if (!node.parts[i] || evaluate(*node.parts[i]).truth())
      return execute(*node.parts[i + 1]);
  return Flow::Next;
}

void Interpreter::executeFor(const Node &node) {
  List items = iterate(evaluate(*node.parts[1]));
  if (const Node *condition = node.parts[2].get()) {
    List kept;
    for (Value &item : items) {
      scopes.emplace_back();
      assign(node.names, item);
      if (evaluate(*condition).truth())
        kept.push_back(std::move(item));
      scopes.pop_back();
    }
    items = std::move(kept);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    scopes.emplace_back();
    line = node.line;
    assign(node.names, items[i]);
    scopes.back()["loop"] = loopValue(items, i);
    Flow flow = execute(*node.parts[3]);
    scopes.pop_back();
    if (flow == Flow::Break)
      break;
  }
  if (items.empty() && node.parts[4]) {
    scopes.emplace_back();
    execute(*node.parts[4]);
    scopes.pop_back();
  }
}

Value Interpreter::loopValue(const List &items, size_t index) const {
  auto i = int64_t(index), n = int64_t(items.size());
  Value before = i > 0 ? items[index - 1] : Value{Undefined{"loop.previtem"}};
  Value after = i + 1 < n ? items[index + 1] : Value{Undefined{"loop.nextitem"}};
  return Value::map({.entries = {{"index", {i + 1}},
                                 {"index0", {i}},
                                 {"revindex", {n - i}},
                                 {"revindex0", {n - i - 1}},
                                 {"first", {i == 0}},
                                 {"last", {i + 1 == n}},
                                 {"length", {n}},
                                 {"depth", {int64_t(1)}}, // of recursive loops alone more
                                 {"depth0", {int64_t(0)}},
                                 {"previtem", std::move(before)},
                                 {"nextitem", std::move(after)}}});
}

void Interpreter::assign(const std::vector<std::string> &names, const Value &value) {
  if (names.size() == 1) {
    scopes.back()[names[0]] = value;
    return;
  }
  List parts = iterate(value);
  if (parts.size() != names.size())
    fail("expected " + std::to_string(names.size()) + " values for " + std::to_string(names.size()) +
         " names, got " + std::to_string(parts.size()));
  for (size_t i = 0; i < names.size(); ++i)
    scopes.back()[names[i]] = std::move(parts[i]);
}

void Interpreter::assignAttribute(const Node &node, Value value) {
  Value object = variable(node.names[0]);
  if (!object.entries() || !object.entries()->isNamespace)
    fail("`set " + node.names[0] + "." + node.text + "`: only attributes of namespace(…) can be set, `" +
         node.names[0] + "` is " + std::string(object.typeName()));
  if (value.entries() && value.entries()->isNamespace)
    fail("a namespace inside of another value");
  object.entries()->set(node.text, std::move(value));
}

std::string Interpreter::captured(const Node &body) {
  std::string before = std::move(output);
  output.clear();
  scopes.emplace_back();
  ++captures;
  execute(body);
  --captures;
  scopes.pop_back();
  return std::exchange(output, std::move(before));
}

} // namespace mlora::jinja
