#include "mlora/Runtime/Program/Bundle.h"

#include "OwnFile.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"

namespace fs = std::filesystem;

namespace mlora {
namespace {

std::string readCode(const fs::path &path, const std::string &hash) {
  std::string code = readOwnFile(path);
  if (hashHex(code) != hash)
    failed(path.string() + ": its hash is not the one in the manifest");
  return code;
}

Bundle loadProgram(const fs::path &folder, Manifest manifest) {
  if (manifest.target == "cuda") {
    std::string ptx = readCode(folder / manifest.ptx, manifest.ptxHash), cubin;
    if (!manifest.cubin.empty() && fs::exists(folder / manifest.cubin)) // whoever carries the bundle may leave it out
      cubin = readCode(folder / manifest.cubin, manifest.cubinHash);
    return {folder, std::move(manifest), std::nullopt, std::move(ptx), std::move(cubin)};
  }
  SharedObject code(folder / manifest.sharedObject, manifest.sharedObjectHash);
  for (const Kernel &kernel : manifest.kernels)
    if (!kernel.library)
      code.kernel(kernel.symbol);
  return {folder, std::move(manifest), std::move(code), "", ""};
}

} // namespace

Bundle Bundle::load(const fs::path &folder) {
  return loadProgram(folder, Manifest::read(folder / "manifest.json"));
}

static std::string sealOf(const std::string &hash) { return hash + "\n"; }

void Bundle::seal(const fs::path &folder) {
  writeFileAtomically(folder / sealFile, sealOf(hashFileHex(folder / "manifest.json")));
}

void Bundle::addCubin(const fs::path &folder) {
  fs::path path = folder / "manifest.json";
  nlohmann::json json = readJsonFile(path);
  json["cubin"] = {{"file", cubinFile},
                   {"xxh3", hashFileHex(folder / cubinFile)},
                   {"ptx_xxh3", hashFileHex(folder / Manifest::parse(json, path.string()).ptx)}};
  writeFileAtomically(path, json.dump(1));
  seal(folder);
}

bool Bundle::sealHolds(const fs::path &folder) {
  return !fs::exists(folder / sealFile) ||
         readFile(folder / sealFile) == sealOf(hashFileHex(folder / "manifest.json"));
}

Bundle Bundle::loadSealed(const fs::path &folder) {
  fs::path path = folder / "manifest.json";
  // What was hashed is what is parsed.
  std::string text = readOwnFile(path);
  if (readOwnFile(folder / sealFile) != sealOf(hashHex(text)))
    failed(path.string() + ": its hash is not the one in " + sealFile);
  return loadProgram(folder, Manifest::parse(parseJson(text, path.string()), path.string()));
}

} // namespace mlora
