// One part of a tokenizer.json, an object with a "type", read strictly: a key that nobody reads is an error,
// as it might change ids.
#pragma once

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mlora::tokenization {

/// Refuses keys of `fields` that are not in `known`.
inline void allowOnly(const JsonFields &fields, std::initializer_list<std::string_view> known) {
  for (const auto &[key, value] : fields.raw().items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fields.refuse(key.c_str(), "is not known here, so the ids could come out different");
}

[[noreturn]] inline void refuseType(const JsonFields &component, const std::string &supported) {
  component.refuse("type",
                   "\"" + component.string("type") + "\" is not supported; supported are " + supported);
}

/// The elements of the list `key` as components.
inline std::vector<JsonFields> componentsOf(const JsonFields &fields, const char *key) {
  if (!fields.has(key) || !fields.raw().at(key).is_array())
    fields.refuse(key, "a list is expected");
  std::vector<JsonFields> elements;
  for (const nlohmann::json &element : fields.raw().at(key))
    elements.emplace_back(element, fields.where() + ": " + key + "[" + std::to_string(elements.size()) + "]");
  return elements;
}

} // namespace mlora::tokenization
