// A compiled program on disk: manifest and machine code.
#pragma once

#include "mlora/Runtime/Program/Manifest.h"
#include "mlora/Runtime/Program/SharedObject.h"

namespace mlora {

struct Bundle {
  std::filesystem::path folder;
  Manifest manifest;
  SharedObject code;
  bool cached = false;       ///< the cache had it
  double compileSeconds = 0; ///< from the request to code that can run: compiling, or reading the cache

  /// Throws an Error when the manifest does not parse, or the code is not the manifest's.
  static Bundle load(const std::filesystem::path &folder);
};

} // namespace mlora
