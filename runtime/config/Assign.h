// A YAML value into the field of a key, or a message that says what was wrong with it.
#pragma once

#include "mlora/Runtime/Config/Arguments.h"

#include <yaml-cpp/yaml.h>

namespace mlora {

/// Throws Error(BadInput) naming origin, key, value and what was expected.
void assign(const Key &key, const YAML::Node &value, const Origin &origin, Config &config);

/// As `assign`, from the text after `key=`: lists may be written `a,b` or as YAML (`[a, b]`).
void assignText(const Key &key, const std::string &text, Config &config);

} // namespace mlora
