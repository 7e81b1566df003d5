#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/WriteError.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/syscall.h>
#endif

namespace fs = std::filesystem;

namespace mlora {

// A trailing slash has an empty file name, and a symbolic link must be followed, not replaced.
fs::path resolvedPath(const fs::path &path) {
  std::error_code code;
  fs::path whole = fs::weakly_canonical(fs::absolute(path), code);
  if (code || whole.empty())
    whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

namespace {

// Hidden, so that no pattern like `checkpoint-*` finds it.
std::string asidePrefix(const fs::path &target) { return "." + target.filename().string() + ".partial-"; }

constexpr size_t randomDigits = 16;
constexpr std::string_view oldSuffix = "-old"; ///< of what made way where two names cannot be exchanged

fs::path asideOf(const fs::path &target) {
  std::random_device device;
  char digits[randomDigits + 1];
  std::snprintf(digits, sizeof digits, "%08x%08x", device(), device());
  return target.parent_path() / (asidePrefix(target) + digits);
}

/// Whether the name is still that of what is open: another process may have removed it in between.
bool isStillThere(int descriptor, const fs::path &path) {
  struct stat opened = {}, named = {};
  return fstat(descriptor, &opened) == 0 && lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/// Something new aside of the target, locked as long as the descriptor is open: the lock says that its writer
/// lives, on every machine and in every container that shares the folder (process ids say nothing there), and
/// goes with the process however it ends. `make` gives a descriptor, or -1 and errno.
template <typename Make>
int openAside(const fs::path &path, const fs::path &target, fs::path &aside, const Make &make) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    aside = asideOf(target);
    int descriptor = make(aside);
    if (descriptor < 0 && errno == EEXIST)
      continue;
    if (descriptor < 0)
      throwWriteError("write", path, errno);
    // A file system without locks has nobody who could take one either.
    bool taken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && isStillThere(descriptor, aside))
      return descriptor;
    // removePartial() came between name and lock.
    close(descriptor);
  }
  throwWriteError("write", path, EEXIST);
}

/// Removes it unless its writer lives or cannot be known to be dead.
void removeUnlocked(const fs::path &path) {
  int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int descriptor = open(path.c_str(), O_RDWR | flags); // a lock over NFS needs a file open for writing
  if (descriptor < 0 && errno == EISDIR)
    descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | flags);
  if (descriptor < 0)
    return;
  std::error_code ignored;
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && isStillThere(descriptor, path))
    fs::remove_all(path, ignored);
  close(descriptor);
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
  fs::path target = resolvedPath(path);
  std::string prefix = asidePrefix(target);
  std::error_code code, ignored;
  for (fs::directory_iterator entry(target.parent_path(), code), end; !code && entry != end;
       entry.increment(code)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix))
      continue;
    std::string_view rest = std::string_view(name).substr(prefix.size());
    std::string_view digits = rest.substr(0, randomDigits), suffix = rest.substr(digits.size());
    if (digits.size() < randomDigits || digits.find_first_not_of("0123456789abcdef") != digits.npos)
      continue;
    // What made way goes only once the new one is in its place.
    if (suffix.empty() || (suffix == oldSuffix && fs::exists(target, ignored)))
      removeUnlocked(entry->path());
  }
}

AtomicFile::AtomicFile(const fs::path &path) : target(resolvedPath(path)) {
  removePartial(target);
  descriptor = openAside(path, target, aside, [](const fs::path &aside) {
    return open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  });
}

AtomicFile::~AtomicFile() {
  if (descriptor < 0)
    return;
  unlink(aside.c_str());
  close(descriptor);
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
  // Network file systems report a full disk at close. A second descriptor keeps the lock until the rename.
  int lock = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  int error = close(descriptor) == 0 ? 0 : errno;
  descriptor = -1;
  if (!error && std::rename(aside.c_str(), target.c_str()) != 0)
    error = errno;
  if (error)
    unlink(aside.c_str());
  if (lock >= 0)
    close(lock);
  if (error)
    throwWriteError("write", target, error);
  syncPath(target.parent_path(), O_RDONLY | O_DIRECTORY);
}

void writeFileAtomically(const fs::path &path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void checkNoMountPoint(const fs::path &folder) {
  struct stat own, above;
  if (stat(folder.c_str(), &own) == 0 && stat(folder.parent_path().c_str(), &above) == 0 &&
      own.st_dev != above.st_dev)
    badInput(folder.string() +
             ": another file system is mounted here, and the folder that is written beside it "
             "could not take its place: name a folder inside it");
}

AtomicFolder::AtomicFolder(const fs::path &path, ExistingFolder existing)
    : target(resolvedPath(path)), existing(existing) {
  std::error_code code;
  if (fs::exists(target, code) && !fs::is_directory(target, code))
    badInput(path.string() + ": is a file where a folder is to be written");
  if (existing == ExistingFolder::Refuse && fs::exists(target, code) && !fs::is_empty(target, code))
    badInput(path.string() + ": exists and is not empty: choose another folder or remove it");
  checkNoMountPoint(target);
  makeFolders(target.parent_path());
  removePartial(target);
  descriptor = openAside(path, target, asidePath, [](const fs::path &aside) {
    if (mkdir(aside.c_str(), 0777) != 0)
      return -1;
    int opened = open(aside.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0 && errno == ENOENT)
      errno = EEXIST; // removed before it could be locked: another name is tried
    return opened;
  });
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!committed)
    fs::remove_all(asidePath, ignored);
  close(descriptor);
}

void renameIntoPlace(const fs::path &folder, const fs::path &target, ExistingFolder existing) {
  syncTree(folder);
  // rename(2) replaces an empty folder by itself.
  if (std::rename(folder.c_str(), target.c_str()) != 0) {
    int error = errno;
    if (existing == ExistingFolder::Refuse || (error != ENOTEMPTY && error != EEXIST))
      throwWriteError("write", target, error);
    fs::path old = folder;
    if (!exchange(folder, target)) {
      // Without an exchange there is a moment with neither name; both contents are on disk throughout.
      old = folder.string() + std::string(oldSuffix);
      if (std::rename(target.c_str(), old.c_str()) != 0)
        throwWriteError("replace", target, errno);
      if (std::rename(folder.c_str(), target.c_str()) != 0) {
        error = errno;
        std::rename(old.c_str(), target.c_str());
        throwWriteError("replace", target, error);
      }
    }
    std::error_code ignored;
    fs::remove_all(old, ignored);
  }
  syncPath(target.parent_path(), O_RDONLY | O_DIRECTORY);
}

void renameFileIntoPlace(const fs::path &file, const fs::path &target) {
  syncPath(file, O_RDONLY);
  if (std::rename(file.c_str(), target.c_str()) != 0)
    throwWriteError("write", target, errno);
  syncPath(target.parent_path(), O_RDONLY | O_DIRECTORY);
}

void AtomicFolder::commit() {
  renameIntoPlace(asidePath, target, existing);
  committed = true;
}

} // namespace mlora
