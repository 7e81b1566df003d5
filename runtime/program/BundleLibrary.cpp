#include "mlora/Runtime/Program/BundleLibrary.h"

#include "CacheKey.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/ModelConfig.h"

#include <cstdlib>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// What counts of a request: the model's path does not, its configuration is in the key.
nlohmann::json withoutPath(nlohmann::json request) {
  request.erase("model");
  return request;
}

} // namespace

fs::path BundleLibrary::defaultFolder() {
  if (const char *own = std::getenv("MLORA_BUNDLES"); own && *own)
    return own;
  std::error_code code;
  fs::path beside = fs::read_symlink("/proc/self/exe", code).parent_path() / "bundles";
  return fs::is_directory(beside, code) ? beside : fs::path();
}

std::string BundleLibrary::key(const ProgramRequest &request) {
  Hasher hasher;
  for (const std::string &part :
       {withoutPath(request.toJson()).dump(), canonicalConfiguration(request.modelFile())})
    hasher.update(uint64_t(part.size())).update(part);
  return hasher.hex();
}

std::string BundleLibrary::describe(const ProgramRequest &request) {
  std::string text = request.kind + ", " + request.target +
                     (request.chip.empty() ? "" : " for " + request.chip) + ", " + request.dtype + ", " +
                     request.method;
  if (request.loraR > 0)
    text += ", " + std::to_string(request.numBranches) + " x " + std::to_string(request.loraR);
  if (request.memoryBudget > 0)
    text += ", memory_budget " + std::to_string(request.memoryBudget);
  return text + ", model " + request.modelFile().string();
}

std::optional<Bundle> BundleLibrary::find(const ProgramRequest &request) const {
  fs::path entry = folder / key(request);
  std::error_code code;
  if (!fs::is_directory(entry, code))
    return std::nullopt;
  Bundle bundle = Bundle::loadSealed(entry);
  // A folder can have been renamed.
  if (withoutPath(readJsonFile(entry / "request.json")) != withoutPath(request.toJson()) ||
      bundle.manifest.kind != request.kind || bundle.manifest.target != request.target ||
      bundle.manifest.chip != request.chip)
    failed(entry.string() + ": was made for another request than (" + describe(request) +
           "): make the library again");
  bundle.cached = true;
  return bundle;
}

fs::path BundleLibrary::add(const ProgramRequest &request, const fs::path &bundle) const {
  fs::path entry = folder / key(request);
  Manifest manifest = Manifest::read(bundle / "manifest.json");
  fs::create_directories(entry);
  for (const std::string &name :
       {std::string("manifest.json"), manifest.target == "cuda" ? manifest.ptx : manifest.sharedObject}) {
    fs::copy_file(bundle / name, entry / name, fs::copy_options::overwrite_existing);
    fs::permissions(entry / name, fs::perms::group_write | fs::perms::others_write, fs::perm_options::remove);
  }
  fs::remove(entry / Bundle::cubinFile); // of what was there before
  writeFileAtomically(entry / "request.json", request.toJson().dump(2) + "\n");
  Bundle::seal(entry);
  return entry;
}

} // namespace mlora
