// Reading whole files, and writing files and folders so that a reader sees all of the new or all of the old.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mlora {

/// A whole file as text or bytes. Throws Error(BadInput) when it cannot be read.
std::string readFile(const std::filesystem::path &path);

/// Makes the folder and its parents. Throws an Error that says why it could not.
void makeFolders(const std::filesystem::path &path);

/// Throws Error(Failed) when the file system of `path` (which need not exist yet) has less than `bytes` free:
/// said before hours of work, not after.
void checkFreeSpace(const std::filesystem::path &path, uint64_t bytes);

/// A file written aside as `.<name>.partial-<random>` in the same folder, locked (flock) while its writer
/// lives; commit() syncs it and renames it into place. Without commit() nothing of it remains, and what was
/// there before is untouched.
class AtomicFile {
public:
  explicit AtomicFile(const std::filesystem::path &path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  void write(const void *data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

  const std::filesystem::path &path() const { return target; }
  uint64_t bytesWritten() const { return written; }

private:
  std::filesystem::path target, aside;
  int descriptor = -1;
  uint64_t written = 0;
};

/// Removes what processes that no longer run, here or on another machine, have left aside of a file or
/// folder. Writing it again does so too.
void removePartial(const std::filesystem::path &path);

/// AtomicFile in one call.
void writeFileAtomically(const std::filesystem::path &path, std::string_view bytes);

/// What to do with a folder that stands where the new one goes.
enum class ExistingFolder {
  Refuse,  ///< an error, unless it is empty
  Replace, ///< exchanged for the new one in one step, then removed
};

/// Syncs every file of a folder and renames it to `target`; with Replace, what stood there is exchanged for
/// it and then removed.
void renameIntoPlace(const std::filesystem::path &folder, const std::filesystem::path &target,
                     ExistingFolder existing);

/// Syncs a file and renames it over `target`.
void renameFileIntoPlace(const std::filesystem::path &file, const std::filesystem::path &target);

/// Throws Error(BadInput) where a folder is where another file system begins: no folder can be renamed into
/// its place.
void checkNoMountPoint(const std::filesystem::path &folder);

/// Absolute, through symbolic links, without a trailing slash: the name that is really written.
std::filesystem::path resolvedPath(const std::filesystem::path &path);

/// A folder filled aside as `.<name>.partial-<random>` next to its place, locked (flock) while its writer
/// lives; commit() syncs every file and renames it. Parents are made. Leftovers of processes that died are
/// removed on the way.
class AtomicFolder {
public:
  explicit AtomicFolder(const std::filesystem::path &path, ExistingFolder existing = ExistingFolder::Refuse);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder &) = delete;
  AtomicFolder &operator=(const AtomicFolder &) = delete;

  /// Where to put files until commit().
  const std::filesystem::path &aside() const { return asidePath; }
  void commit();

private:
  std::filesystem::path target, asidePath;
  ExistingFolder existing;
  int descriptor = -1; ///< of the folder aside: holds its lock
  bool committed = false;
};

} // namespace mlora
