// Compiles programs ahead, for machines without the compiler: requests (docs/architecture.md, "Bundle") into
// a folder that MLORA_BUNDLES may name there.
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Program/BundleCache.h"

#include <iostream>

namespace fs = std::filesystem;
using namespace mlora;

namespace {

constexpr const char *usage =
    R"(usage: mlora-bundles FOLDER REQUEST.json...    compiles each request into FOLDER
       mlora-bundles --check FOLDER            checks the hashes of every bundle in FOLDER
       mlora-bundles --add-cubins FOLDER       records in its bundles each program.cubin that ptxas has made beside a
                                               program.ptx, for the bundle's chip: loaded instead where the GPU has it
A line a bundle. With MLORA_BUNDLES=FOLDER (or as `bundles` beside it) mlora-run finds its programs there.
)";

void make(const fs::path &folder, const fs::path &file) {
  ProgramRequest request = ProgramRequest::fromJson(readJsonFile(file), file.string());
  Bundle bundle =
      BundleCache(BundleCache::defaultFolder(), BundleCache::defaultCompiler(), /*library=*/"").get(request);
  fs::path entry = BundleLibrary(folder).add(request, bundle.folder);
  std::cout << entry.filename().string() << "  " << BundleLibrary::describe(request) << "\n";
}

void check(const fs::path &folder) {
  size_t count = 0;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    Bundle bundle = Bundle::loadSealed(entry.path());
    std::cout << entry.path().filename().string() << "  " << bundle.manifest.kernels.size() << " kernels\n";
    ++count;
  }
  if (count == 0)
    failed(folder.string() + ": holds no bundle");
}

void addCubins(const fs::path &folder) {
  for (const fs::directory_entry &entry : fs::directory_iterator(folder))
    if (fs::exists(entry.path() / Bundle::cubinFile)) {
      Bundle::addCubin(entry.path());
      std::cout << entry.path().filename().string() << "  " << Bundle::cubinFile << "\n";
    }
}

} // namespace

int main(int argc, char **argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 2 && words[0] == "--check") {
      check(words[1]);
      return 0;
    }
    if (words.size() == 2 && words[0] == "--add-cubins") {
      addCubins(words[1]);
      return 0;
    }
    if (words.size() < 2 || words[0].starts_with("-")) {
      std::cerr << usage;
      return int(Status::BadInput);
    }
    for (size_t i = 1; i < words.size(); ++i)
      make(words[0], words[i]);
    return 0;
  } catch (const Error &error) {
    std::cerr << "mlora-bundles: " << error.what() << "\n";
    return int(error.status);
  } catch (const std::exception &error) {
    std::cerr << "mlora-bundles: " << error.what() << "\n";
    return int(Status::Failed);
  }
}
