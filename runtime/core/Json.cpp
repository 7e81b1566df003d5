#include "mlora/Runtime/Core/Json.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"

#include <algorithm>
#include <iterator>

using nlohmann::json;

namespace mlora {
namespace {

/// An iterator that all its copies share, so that the handler below knows how far the lexer has read.
struct Cursor {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;
  const char **position;
  const char *end;
  reference operator*() const { return **position; }
  Cursor &operator++() { return ++*position, *this; }
  bool atEnd() const { return !position || *position == end; }
  bool operator==(const Cursor &other) const { return atEnd() == other.atEnd(); }
  bool operator!=(const Cursor &other) const { return !(*this == other); }
};

/// Builds the value; stops at the first key that its object already has.
template <typename Json> class Builder {
public:
  Builder(std::string_view text, const std::string &where, int64_t firstLine)
      : text(text), where(where), firstLine(firstLine), position(text.data()) {}

  Json build() {
    Cursor begin{&position, text.data() + text.size()}, end{nullptr, nullptr};
    Json::sax_parse(begin, end, this);
    return std::move(root);
  }

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(typename Json::number_integer_t value) { return put(value); }
  bool number_unsigned(typename Json::number_unsigned_t value) { return put(value); }
  bool number_float(typename Json::number_float_t value, const std::string &) { return put(value); }
  bool string(std::string &value) { return put(std::move(value)); }
  bool binary(typename Json::binary_t &) { return false; }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string &name) {
    auto &object = levels.back()->template get_ref<typename Json::object_t &>();
    if (std::is_same_v<Json, RowJson> && object.size() == maxRowKeys)
      refuse("an object of a row has more than " + std::to_string(maxRowKeys) + " keys");
    auto [slot, fresh] = object.emplace(name, nullptr);
    if (!fresh)
      refuse("the key \"" + name + "\" is there twice in one object");
    member = &slot->second;
    return true;
  }

  bool parse_error(std::size_t, const std::string &, const nlohmann::detail::exception &error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error …": our own line is
    // right for a row of a larger file.
    std::string message = error.what();
    size_t cut = message.find(": ");
    refuse("not valid JSON: " + (cut == std::string::npos ? message : message.substr(cut + 2)));
    return false;
  }

private:
  static constexpr size_t maxDepth = 200, maxRowKeys = 10000;

  template <typename T> Json *place(T &&value) {
    if (levels.empty())
      return &(root = std::forward<T>(value));
    if (levels.back()->is_object())
      return &(*member = std::forward<T>(value));
    auto &array = levels.back()->template get_ref<typename Json::array_t &>();
    array.emplace_back(std::forward<T>(value));
    return &array.back();
  }
  template <typename T> bool put(T &&value) { return place(std::forward<T>(value)) != nullptr; }

  // A pointer to an element stays valid while its level is open: its parent gets no other element meanwhile.
  bool open(Json value) {
    if (levels.size() == maxDepth)
      refuse("nested deeper than " + std::to_string(maxDepth) + " levels");
    levels.push_back(place(std::move(value)));
    return true;
  }
  bool close() { return levels.pop_back(), true; }

  [[noreturn]] void refuse(const std::string &message) const {
    int64_t line = firstLine + std::count(text.data(), position, '\n');
    badInput(where + ":" + std::to_string(line) + ": " + message);
  }

  std::string_view text;
  const std::string &where;
  int64_t firstLine;
  const char *position;
  Json root;
  std::vector<Json *> levels;
  Json *member = nullptr;
};

} // namespace

json parseJson(std::string_view text, const std::string &where, int64_t firstLine) {
  return Builder<json>(text, where, firstLine).build();
}

RowJson parseRow(std::string_view text, const std::string &where, int64_t firstLine) {
  return Builder<RowJson>(text, where, firstLine).build();
}

json readJsonFile(const std::filesystem::path &path) { return parseJson(readFile(path), path.string()); }

template <typename Json>
ObjectFields<Json>::ObjectFields(const Json &value, std::string where)
    : value(value), place(std::move(where)) {
  if (!value.is_object())
    badInput(place + ": an object is expected, found " + value.type_name());
}

template <typename Json> bool ObjectFields<Json>::has(const char *key) const {
  auto found = value.find(key);
  return found != value.end() && !found->is_null();
}

template <typename Json> void ObjectFields<Json>::refuse(const char *key, const std::string &message) const {
  badInput(place + ": key \"" + key + "\": " + message);
}

template <typename Json> const Json &ObjectFields<Json>::at(const char *key) const {
  auto found = value.find(key);
  if (found == value.end())
    refuse(key, "is missing");
  return *found;
}

template <typename Json> static std::string shown(const Json &value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

template <typename Json> int64_t ObjectFields<Json>::integer(const char *key) const {
  const Json &found = at(key);
  bool fits = found.is_number_integer() &&
              (!found.is_number_unsigned() || found.template get<uint64_t>() <= INT64_MAX);
  if (!fits)
    refuse(key, "an integer is expected, found " + shown(found));
  return found.template get<int64_t>();
}

template <typename Json> double ObjectFields<Json>::number(const char *key) const {
  if (!at(key).is_number())
    refuse(key, "a number is expected, found " + shown(at(key)));
  return at(key).template get<double>();
}

template <typename Json> std::string ObjectFields<Json>::string(const char *key) const {
  if (!at(key).is_string())
    refuse(key, "a string is expected, found " + shown(at(key)));
  return at(key).template get<std::string>();
}

template <typename Json> std::vector<std::string> ObjectFields<Json>::strings(const char *key) const {
  const Json &found = at(key);
  auto isString = [](const Json &element) { return element.is_string(); };
  if (!found.is_array() || !std::all_of(found.begin(), found.end(), isString))
    refuse(key, "a list of strings is expected, found " + shown(found));
  return found.template get<std::vector<std::string>>();
}

template <typename Json> ObjectFields<Json> ObjectFields<Json>::object(const char *key) const {
  if (!at(key).is_object())
    refuse(key, "an object is expected, found " + shown(at(key)));
  return ObjectFields(at(key), place + ": " + key);
}

template <typename Json> std::optional<int64_t> ObjectFields<Json>::optionalInteger(const char *key) const {
  return has(key) ? std::optional(integer(key)) : std::nullopt;
}

template <typename Json> std::optional<double> ObjectFields<Json>::optionalNumber(const char *key) const {
  return has(key) ? std::optional(number(key)) : std::nullopt;
}

template <typename Json> std::optional<bool> ObjectFields<Json>::optionalBoolean(const char *key) const {
  if (!has(key))
    return std::nullopt;
  if (!at(key).is_boolean())
    refuse(key, "true or false is expected, found " + shown(at(key)));
  return at(key).template get<bool>();
}

template <typename Json>
std::optional<std::string> ObjectFields<Json>::optionalString(const char *key) const {
  return has(key) ? std::optional(string(key)) : std::nullopt;
}

template class ObjectFields<json>;
template class ObjectFields<RowJson>;

} // namespace mlora
