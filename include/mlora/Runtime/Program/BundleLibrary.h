// Programs compiled ahead: a folder of bundles that a machine without the compiler is given.
#pragma once

#include "mlora/Runtime/Program/Bundle.h"
#include "mlora/Runtime/Program/ProgramRequest.h"

#include <optional>

namespace mlora {

/// A bundle lies in `<folder>/<key>`, where the key is a hash of the request and of the model's
/// configuration, wherever the model lies. Neither the compiler nor this CPU counts: who makes a library says
/// what it is for.
class BundleLibrary {
public:
  /// $MLORA_BUNDLES, else `bundles` beside this executable; empty where neither is.
  static std::filesystem::path defaultFolder();

  explicit BundleLibrary(std::filesystem::path folder) : folder(std::move(folder)) {}

  /// The bundle of a request, nothing where there is none. Throws Error(Failed) for one that is damaged, or
  /// was made for another request.
  std::optional<Bundle> find(const ProgramRequest &request) const;

  /// Puts a bundle that the compiler wrote into the library, sealed; what people read (program.mlir) stays
  /// behind. Gives the bundle's folder.
  std::filesystem::path add(const ProgramRequest &request, const std::filesystem::path &bundle) const;

  static std::string key(const ProgramRequest &request);
  /// A request in words, for messages: "train, sm_90a, bf16, multilora, 3 x 32, model …".
  static std::string describe(const ProgramRequest &request);

private:
  std::filesystem::path folder;
};

} // namespace mlora
