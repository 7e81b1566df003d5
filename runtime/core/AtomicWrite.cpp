#include "WriteError.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/syscall.h>
#endif

namespace fs = std::filesystem;

namespace mlora {
namespace {

// A trailing slash has an empty file name, and a symbolic link must be followed, not replaced.
fs::path resolved(const fs::path &path) {
  std::error_code code;
  fs::path whole = fs::weakly_canonical(fs::absolute(path), code);
  if (code || whole.empty())
    whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

// Hidden, so that no pattern like `checkpoint-*` finds it.
std::string asidePrefix(const fs::path &target) { return "." + target.filename().string() + ".partial-"; }

fs::path asideOf(const fs::path &target) {
  return target.parent_path() / (asidePrefix(target) + std::to_string(getpid()));
}

/// Whether a process still runs. One that was killed and that nobody has waited for (a zombie) does not.
bool isRunning(pid_t pid) {
  if (kill(pid, 0) != 0 && errno == ESRCH)
    return false;
  std::string status; // "123 (name) Z 1 …"; the name may hold parentheses
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), status);
  size_t name = status.rfind(')');
  return name == std::string::npos || name + 2 >= status.size() ||
         (status[name + 2] != 'Z' && status[name + 2] != 'X');
}

// A rename is durable only when the folder that holds the name is synced too. File systems that cannot sync a
// folder say EINVAL.
void syncPath(const fs::path &path, int flags) {
  int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0)
    throwWriteError("sync", path, errno);
  int error = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  if (error && error != EINVAL)
    throwWriteError("sync", path, error);
}

void syncTree(const fs::path &folder) {
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(folder))
    if (!entry.is_symlink())
      syncPath(entry.path(), entry.is_directory() ? O_RDONLY | O_DIRECTORY : O_RDONLY);
  syncPath(folder, O_RDONLY | O_DIRECTORY);
}

bool exchange(const fs::path &a, const fs::path &b) {
#if defined(SYS_renameat2) && defined(RENAME_EXCHANGE)
  return syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

} // namespace

void removePartial(const fs::path &path) {
  fs::path target = resolved(path);
  std::string prefix = asidePrefix(target);
  std::error_code code;
  for (fs::directory_iterator entry(target.parent_path(), code), end; !code && entry != end;
       entry.increment(code)) {
    std::string name = entry->path().filename().string();
    pid_t pid = 0;
    if (!name.starts_with(prefix))
      continue;
    const char *last = name.data() + name.size();
    if (auto parsed = std::from_chars(name.data() + prefix.size(), last, pid);
        parsed.ec != std::errc() || parsed.ptr != last || pid <= 0)
      continue;
    std::error_code ignored;
    if (pid == getpid() || !isRunning(pid))
      fs::remove_all(entry->path(), ignored);
  }
}

AtomicFile::AtomicFile(const fs::path &path) : target(resolved(path)), aside(asideOf(target)) {
  removePartial(target);
  descriptor = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0)
    throwWriteError("write", path, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor < 0)
    return;
  close(descriptor);
  unlink(aside.c_str());
}

void AtomicFile::write(const void *data, size_t size) {
  const char *next = static_cast<const char *>(data);
  while (size) {
    ssize_t count = ::write(descriptor, next, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throwWriteError("write", target, count < 0 ? errno : ENOSPC);
    next += count;
    size -= static_cast<size_t>(count);
    written += static_cast<uint64_t>(count);
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor) != 0)
    throwWriteError("write", target, errno);
  // Network file systems report a full disk at close.
  int error = close(descriptor) == 0 ? 0 : errno;
  descriptor = -1;
  if (!error && std::rename(aside.c_str(), target.c_str()) != 0)
    error = errno;
  if (error) {
    unlink(aside.c_str());
    throwWriteError("write", target, error);
  }
  syncPath(target.parent_path(), O_RDONLY | O_DIRECTORY);
}

void writeFileAtomically(const fs::path &path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

AtomicFolder::AtomicFolder(const fs::path &path, ExistingFolder existing)
    : target(resolved(path)), asidePath(asideOf(target)), existing(existing) {
  std::error_code code;
  if (fs::exists(target, code) && !fs::is_directory(target, code))
    badInput(path.string() + ": is a file where a folder is to be written");
  if (existing == ExistingFolder::Refuse && fs::exists(target, code) && !fs::is_empty(target, code))
    badInput(path.string() + ": exists and is not empty: choose another folder or remove it");
  makeFolders(target.parent_path());
  removePartial(target);
  makeFolders(asidePath);
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!committed)
    fs::remove_all(asidePath, ignored);
}

void AtomicFolder::commit() {
  syncTree(asidePath);
  // rename(2) replaces an empty folder by itself.
  if (std::rename(asidePath.c_str(), target.c_str()) != 0) {
    int error = errno;
    if (existing == ExistingFolder::Refuse || (error != ENOTEMPTY && error != EEXIST))
      throwWriteError("write", target, error);
    if (!exchange(asidePath, target)) {
      // Without an exchange there is a moment with neither name; both contents are on disk throughout.
      fs::path old = asidePath.string() + "-old";
      if (std::rename(target.c_str(), old.c_str()) != 0 ||
          std::rename(asidePath.c_str(), target.c_str()) != 0)
        throwWriteError("replace", target, errno);
      asidePath = old;
    }
    std::error_code ignored;
    fs::remove_all(asidePath, ignored);
  }
  committed = true;
  syncPath(target.parent_path(), O_RDONLY | O_DIRECTORY);
}

} // namespace mlora
