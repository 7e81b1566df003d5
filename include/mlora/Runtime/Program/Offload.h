// What of a program lives in the host's memory instead of a GPU's (docs/architecture.md, "Devices").
#pragma once

#include <string_view>

namespace mlora {

struct Offload {
  bool optimizer = false; ///< moments, which kernels reach through the bus
  bool base = false;      ///< frozen weights of layers, copied to the device layer by layer

  /// `word` is the key's: none, optimizer, base or all.
  static Offload of(std::string_view word) {
    return {.optimizer = word == "optimizer" || word == "all", .base = word == "base" || word == "all"};
  }
};

} // namespace mlora
