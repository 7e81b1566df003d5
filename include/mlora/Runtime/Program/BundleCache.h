// Compiled programs, kept by content: the compiler runs only when the request, the model's configuration, the
// compiler or the CPU is new.
#pragma once

#include "mlora/Runtime/Program/BundleLibrary.h"
#include "mlora/Runtime/Program/ProgramRequest.h"

#include <functional>

namespace mlora {

/// The cache is machine code: its folder must be the user's own, no symbolic link, and closed to others.
class BundleCache {
public:
  /// $MLORA_CACHE, else $XDG_CACHE_HOME/mlora, else ~/.cache/mlora.
  static std::filesystem::path defaultFolder();
  /// $MLORA_OPT, else `mlora-opt` beside this executable.
  static std::filesystem::path defaultCompiler();

  explicit BundleCache(const std::filesystem::path &folder = defaultFolder(),
                       std::filesystem::path compiler = defaultCompiler(),
                       std::filesystem::path library = BundleLibrary::defaultFolder());

  /// Told in a sentence when an entry is compiled or was damaged; by default nobody is.
  std::function<void(const std::string &)> message = [](const std::string &) {};

  /// The bundle of a request: the library's, else the cache's, else compiled. A damaged one in the cache is
  /// compiled again. Throws Error(Failed) with the compiler's messages when compiling fails, and with what
  /// was looked for where there is no compiler.
  Bundle get(const ProgramRequest &request);

  /// Name of the entry of a request: 32 hex digits.
  std::string key(const ProgramRequest &request) const;

private:
  void checkCompiler(const ProgramRequest &request) const;
  void prepareFolder() const;
  Bundle compile(const ProgramRequest &request, const std::filesystem::path &entry);

  std::filesystem::path folder, compiler, library;
};

} // namespace mlora
