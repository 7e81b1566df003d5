#include "Value.h"

#include "mlora/Runtime/Core/Text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace mlora::jinja {

const Value *Map::find(std::string_view key) const {
  for (const auto &[name, value] : entries)
    if (name == key)
      return &value;
  return nullptr;
}

void Map::set(const std::string &key, Value value) {
  for (auto &[name, old] : entries)
    if (name == key) {
      old = std::move(value);
      return;
    }
  entries.emplace_back(key, std::move(value));
}

Value Value::of(const RowJson &json) {
  using Type = RowJson::value_t;
  switch (json.type()) {
  case Type::boolean:
    return {json.get<bool>()};
  case Type::number_integer:
  case Type::number_unsigned:
    return {json.get<int64_t>()};
  case Type::number_float:
    return {json.get<double>()};
  case Type::string:
    return {json.get<std::string>()};
  case Type::array: {
    List items;
    for (const RowJson &item : json)
      items.push_back(of(item));
    return list(std::move(items));
  }
  case Type::object: {
    Map entries;
    for (const auto &[key, value] : json.items())
      entries.entries.emplace_back(key, of(value));
    return map(std::move(entries));
  }
  default:
    return {None{}};
  }
}

namespace {

void grow(Extent &extent, const Value &part) {
  Extent inner = part.extent();
  extent.depth = std::max(extent.depth, inner.depth + 1);
  if (__builtin_add_overflow(extent.weight, inner.weight, &extent.weight))
    extent.weight = SIZE_MAX;
}

} // namespace

Value Value::list(List items) {
  Extent extent{.depth = 1};
  for (const Value &item : items)
    grow(extent, item);
  return {std::make_shared<const ListBox>(ListBox{std::move(items), extent})};
}

Value Value::map(Map entries) {
  entries.extent = {.depth = 1};
  for (const auto &[key, value] : entries.entries)
    grow(entries.extent, value);
  return {std::make_shared<Map>(std::move(entries))};
}

Extent Value::extent() const {
  if (text())
    return {.weight = 1 + text()->size() / 32};
  if (auto *held = std::get_if<std::shared_ptr<const ListBox>>(&data))
    return (*held)->extent;
  return entries() ? entries()->extent : Extent{};
}

const List *Value::items() const {
  auto *held = std::get_if<std::shared_ptr<const ListBox>>(&data);
  return held ? &(*held)->items : nullptr;
}

Map *Value::entries() const {
  auto *held = std::get_if<std::shared_ptr<Map>>(&data);
  return held ? held->get() : nullptr;
}

bool Value::truth() const {
  if (is<Undefined>() || is<None>())
    return false;
  if (isNumber())
    return number() != 0;
  if (text())
    return !text()->empty();
  if (items())
    return !items()->empty();
  return !entries() || entries()->isNamespace || !entries()->entries.empty();
}

std::string_view Value::typeName() const {
  static constexpr std::string_view names[] = {"undefined", "None", "bool", "int",     "float",
                                               "str",       "list", "dict", "function"};
  return entries() && entries()->isNamespace ? "namespace" : names[data.index()];
}

bool equal(const Value &a, const Value &b) {
  if (a.isNumber() && b.isNumber())
    return a.isWhole() && b.isWhole() ? a.whole() == b.whole() : a.number() == b.number();
  if (a.data.index() != b.data.index())
    return false;
  if (a.text())
    return *a.text() == *b.text();
  if (a.items())
    return std::equal(a.items()->begin(), a.items()->end(), b.items()->begin(), b.items()->end(), equal);
  if (!a.entries())
    return true;
  const Map &left = *a.entries(), &right = *b.entries();
  if (&left == &right)
    return true;
  if (left.isNamespace || right.isNamespace || left.entries.size() != right.entries.size())
    return false;
  for (const auto &[key, value] : left.entries)
    if (const Value *other = right.find(key); !other || !equal(value, *other))
      return false;
  return true;
}

namespace {

/// Python's repr of a float: the shortest digits that read back, with a point or an exponent.
std::string floatText(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value > 0 ? "inf" : "-inf";
  char buffer[64];
  double size = std::fabs(value);
  auto format =
      size != 0 && (size < 1e-4 || size >= 1e16) ? std::chars_format::scientific : std::chars_format::fixed;
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/// Python's repr of a str: single quotes unless the text has them and no double ones.
std::string quoted(const std::string &text) {
  bool hasSingle = text.find('\'') != std::string::npos, hasDouble = text.find('"') != std::string::npos;
  char quote = hasSingle && !hasDouble ? '"' : '\'';
  std::string result(1, quote);
  for (char c : text) {
    static constexpr char hex[] = "0123456789abcdef";
    auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\')
      (result += '\\') += c;
    else if (c == '\n')
      result += "\\n";
    else if (c == '\r')
      result += "\\r";
    else if (c == '\t')
      result += "\\t";
    else if (byte < 0x20 || byte == 0x7f)
      ((result += "\\x") += hex[byte >> 4]) += hex[byte & 15];
    else
      result += c;
  }
  return result + quote;
}

/// A list or dict over several lines when `indent` >= 0.
std::string block(char open, char close, const std::vector<std::string> &parts, int64_t indent,
                  int64_t level) {
  if (indent < 0 || parts.empty())
    return open + joined(parts, ", ") + close;
  std::string line = "\n" + std::string(size_t(indent * (level + 1)), ' ');
  return open + line + joined(parts, "," + line) + "\n" + std::string(size_t(indent * level), ' ') + close;
}

std::string jsonText(const Value &value, int64_t indent, int64_t level) {
  if (value.is<bool>())
    return std::get<bool>(value.data) ? "true" : "false";
  if (value.text())
    return RowJson(*value.text()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::vector<std::string> parts;
  if (value.items()) {
    for (const Value &item : *value.items())
      parts.push_back(jsonText(item, indent, level + 1));
    return block('[', ']', parts, indent, level);
  }
  if (value.entries()) {
    for (const auto &[key, item] : value.entries()->entries)
      parts.push_back(jsonText({key}, indent, level + 1) + ": " + jsonText(item, indent, level + 1));
    return block('{', '}', parts, indent, level);
  }
  return value.is<None>() ? "null" : printed(value);
}

} // namespace

std::string printed(const Value &value) { return value.text() ? *value.text() : represented(value); }

std::string represented(const Value &value) {
  if (value.text())
    return quoted(*value.text());
  if (value.is<bool>())
    return std::get<bool>(value.data) ? "True" : "False";
  if (value.is<int64_t>())
    return std::to_string(value.whole());
  if (value.is<double>())
    return floatText(value.number());
  if (value.is<None>())
    return "None";
  std::vector<std::string> parts;
  if (value.items()) {
    for (const Value &item : *value.items())
      parts.push_back(represented(item));
    return "[" + joined(parts, ", ") + "]";
  }
  if (value.entries()) {
    for (const auto &[key, item] : value.entries()->entries)
      parts.push_back(quoted(key) + ": " + represented(item));
    return "{" + joined(parts, ", ") + "}";
  }
  return "";
}

std::string toJson(const Value &value, int64_t indent) { return jsonText(value, indent, 0); }

} // namespace mlora::jinja
