// A bundle written by hand: kernels in C or C++, compiled to a shared object, and a manifest that the tests
// change.
#pragma once

#include "../TempFolder.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"

#include <cstdlib>

namespace mlora::test {

class HandMadeBundle {
public:
  /// `compiler` is a command such as "cc", `file` a name whose ending says the language.
  HandMadeBundle(const std::string &compiler, const std::string &file, const std::string &source,
                 const char *manifest) {
    folder.file(file, source);
    std::string command = compiler + " -shared -fPIC -O1 -I" MLORA_SOURCE "/include -o " +
                          (folder / "program.so").string() + " " + (folder / file).string();
    if (std::system(command.c_str()) != 0)
      throw std::runtime_error(compiler + " failed");
    json = parseJson(manifest, "manifest");
    json["shared_object_xxh3"] = hashFileHex(folder / "program.so");
    write();
  }

  void write() { folder.file("manifest.json", json.dump(1)); }
  const std::filesystem::path &path() const { return folder.path(); }

  TempFolder folder;
  nlohmann::json json;
};

} // namespace mlora::test
