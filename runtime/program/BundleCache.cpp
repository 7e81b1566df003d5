#include "mlora/Runtime/Program/BundleCache.h"

#include "CacheKey.h"
#include "Compile.h"
#include "mlora/Runtime/Core/CacheFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace mlora {
namespace {

using Clock = std::chrono::steady_clock;

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The folder is ours, no link, and nobody else may write into it.
void checkOwnFolder(const fs::path &folder) {
  struct stat status {};
  if (lstat(folder.c_str(), &status) != 0)
    failed("the program cache " + folder.string() + " cannot be used: " + std::strerror(errno));
  std::string why;
  if (S_ISLNK(status.st_mode))
    why = "is a symbolic link";
  else if (!S_ISDIR(status.st_mode))
    why = "is no folder";
  else if (status.st_uid != geteuid())
    why = "belongs to someone else";
  else if (status.st_mode & (S_IWGRP | S_IWOTH))
    why = "can be written by others";
  if (!why.empty())
    badInput("the program cache " + folder.string() + " " + why +
             ": it holds machine code, so it must be a folder of your own (chmod 700), or name another in "
             "MLORA_CACHE");
}

void makeOwnFolder(const fs::path &folder) {
  if (folder.has_parent_path())
    makeFolders(folder.parent_path());
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    failed("the program cache " + folder.string() + " cannot be made: " + std::strerror(errno) +
           ": name another in MLORA_CACHE");
}

constexpr std::string_view workspacePrefix = ".mlora-new-";

/// A new folder of our own beside the entries; whatever is left in it goes with the object.
class Workspace {
public:
  explicit Workspace(const fs::path &parent) {
    std::string pattern = (parent / (std::string(workspacePrefix) + "XXXXXX")).string();
    if (!mkdtemp(pattern.data()))
      failed("the program cache " + parent.string() + " cannot be written: " + std::strerror(errno));
    path = pattern;
  }
  ~Workspace() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

/// What processes that were killed while compiling have left behind. The cache may be any folder ($HOME,
/// say): only what a Workspace is called and holds is removed.
void removeLeftovers(const fs::path &folder) {
  std::error_code code;
  auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    std::error_code ignored;
    std::string name = entry->path().filename().string();
    if (!name.starts_with(workspacePrefix) || name.size() != workspacePrefix.size() + 6 ||
        entry->symlink_status(ignored).type() != fs::file_type::directory ||
        entry->last_write_time(ignored) > old)
      continue;
    bool ours = false, others = false;
    for (fs::directory_iterator inside(entry->path(), code), last; !code && inside != last;
         inside.increment(code)) {
      std::string part = inside->path().filename().string();
      others |= part != "bundle" && part != "damaged";
      ours |= fs::exists(inside->path() / "request.json", ignored);
    }
    if (code)
      code.clear();
    else if (ours && !others)
      fs::remove_all(entry->path(), ignored);
    else
      fs::remove(entry->path(), ignored); // only when it is empty
  }
}

Bundle loadFresh(const fs::path &folder, const fs::path &compiler) {
  try {
    return Bundle::load(folder);
  } catch (const Error &error) {
    failed("the compiler " + compiler.string() + " wrote a program that does not fit: " + error.what());
  }
}

} // namespace

fs::path BundleCache::defaultFolder() { return cacheFolder(); }

fs::path BundleCache::defaultCompiler() {
  if (std::string own = environment("MLORA_OPT"); !own.empty())
    return own;
  std::error_code code;
  return fs::read_symlink("/proc/self/exe", code).parent_path() / "mlora-opt";
}

BundleCache::BundleCache(const fs::path &folder, fs::path compiler, fs::path library)
    : folder(fs::absolute(folder).lexically_normal()), compiler(std::move(compiler)),
      library(std::move(library)) {
  if (!this->folder.has_filename()) // a slash at the end
    this->folder = this->folder.parent_path();
}

std::string BundleCache::key(const ProgramRequest &request) const { return cacheKey(request, compiler); }

void BundleCache::prepareFolder() const {
  makeOwnFolder(folder);
  checkOwnFolder(folder);
}

/// Beside a library there need not be a compiler: what is missing then is a bundle.
void BundleCache::checkCompiler(const ProgramRequest &request) const {
  std::error_code code;
  if (!fs::exists(compiler, code))
    failed(library.string() + " holds no program for (" + BundleLibrary::describe(request) +
           "), and there is no compiler " + compiler.string() +
           " to make it: name a folder that holds it in MLORA_BUNDLES, or the compiler in MLORA_OPT");
}

Bundle BundleCache::get(const ProgramRequest &request) {
  Clock::time_point start = Clock::now();
  if (!library.empty()) {
    if (std::optional<Bundle> ahead = BundleLibrary(library).find(request)) {
      ahead->compileSeconds = secondsSince(start);
      return std::move(*ahead);
    }
    checkCompiler(request);
  }
  prepareFolder();
  fs::path entry = folder / key(request);
  std::error_code code;
  if (fs::symlink_status(entry, code).type() != fs::file_type::not_found) {
    try {
      checkOwnFolder(entry);
      Bundle bundle = Bundle::loadSealed(entry);
      bundle.cached = true;
      bundle.compileSeconds = secondsSince(start);
      return bundle;
    } catch (const Error &error) {
      message("a compiled program in the cache is damaged and is compiled again (" +
              std::string(error.what()) + ")");
    }
  }
  Bundle bundle = compile(request, entry);
  bundle.compileSeconds = secondsSince(start);
  return bundle;
}

Bundle BundleCache::compile(const ProgramRequest &request, const fs::path &entry) {
  message("compiling the " + request.kind + " program");
  removeLeftovers(folder);
  Workspace workspace(folder);
  fs::path fresh = workspace.path / "bundle";
  makeOwnFolder(fresh);
  writeFileAtomically(fresh / "request.json", request.toJson().dump(2) + "\n");
  runCompiler(compiler, fresh / "request.json", fresh);
  Bundle bundle = loadFresh(fresh, compiler);
  Bundle::seal(fresh);
  bundle.folder = entry;
  // A damaged entry makes way; one that another process has just put there is as good as ours.
  if (std::rename(fresh.c_str(), entry.c_str()) == 0)
    return bundle;
  std::error_code code;
  fs::rename(entry, workspace.path / "damaged", code);
  if (std::rename(fresh.c_str(), entry.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST)
    failed("the program cache " + folder.string() + " cannot be written: " + std::strerror(errno));
  return bundle;
}

} // namespace mlora
