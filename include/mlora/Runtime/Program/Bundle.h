// A compiled program on disk: manifest and machine code.
#pragma once

#include "mlora/Runtime/Program/Manifest.h"
#include "mlora/Runtime/Program/SharedObject.h"

namespace mlora {

struct Bundle {
  std::filesystem::path folder;
  Manifest manifest;
  std::optional<SharedObject> code; ///< targets cpu and emulate
  std::string ptx, cubin;           ///< target cuda; of machine code there may be none
  bool cached = false;              ///< the cache had it
  double compileSeconds = 0; ///< from the request to code that can run: compiling, or reading the cache

  /// Throws an Error when the manifest does not parse, or the code is not the manifest's.
  static Bundle load(const std::filesystem::path &folder);

  /// Holds the hash of manifest.json, which holds that of the code: together they cover the whole program.
  static constexpr const char *sealFile = "manifest.xxh3";
  static void seal(const std::filesystem::path &folder);
  /// Whether the seal is that of manifest.json, or none is there: only the cache seals.
  static bool sealHolds(const std::filesystem::path &folder);
  /// program.cubin, which lies there, goes into the manifest as what ptxas has made of its PTX for its chip; seals anew.
  static constexpr const char *cubinFile = "program.cubin";
  static void addCubin(const std::filesystem::path &folder);
  /// load(), of a bundle that seal() has seen; every file must be one that only we may write.
  static Bundle loadSealed(const std::filesystem::path &folder);
};

} // namespace mlora
