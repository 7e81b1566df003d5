// Tokens and their ids.
#pragma once

#include "mlora/Runtime/Core/Json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlora::tokenization {

class Vocabulary {
public:
  /// The object `vocab` of a model: token to id. Two tokens with one id, or an id beyond reason, are
  /// Error(BadInput).
  explicit Vocabulary(const JsonFields &model);
  Vocabulary(const Vocabulary &) = delete;
  Vocabulary &operator=(const Vocabulary &) = delete;

  std::optional<int32_t> id(std::string_view token) const;
  /// Null for an id that no token has.
  const std::string *token(int32_t id) const;
  /// One more than the largest id.
  int32_t end() const { return static_cast<int32_t>(tokens.size()); }
  /// How many tokens there are; less than end() where ids are left out.
  size_t count() const { return ids.size(); }

private:
  std::vector<std::string> tokens;                   ///< by id
  std::unordered_map<std::string_view, int32_t> ids; ///< views of `tokens`
};

} // namespace mlora::tokenization
