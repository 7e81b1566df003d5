#include "MergeJournal.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Core/WriteError.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace fs = std::filesystem;
using nlohmann::json;

namespace mlora {
namespace {

constexpr const char *journalName = "journal.jsonl";

void writeAll(int descriptor, const std::string &text, const fs::path &path) {
  for (size_t done = 0; done < text.size();) {
    ssize_t count = write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throwWriteError("write", path, count < 0 ? errno : ENOSPC);
    done += static_cast<size_t>(count);
  }
  if (fdatasync(descriptor) != 0)
    throwWriteError("write", path, errno);
}

/// Nothing but what a merge puts there: what is not ours is not removed.
bool isOurs(const fs::path &folder) {
  for (const fs::directory_entry &entry : fs::directory_iterator(folder))
    if (std::string name = entry.path().filename().string(); name != "out" && name != journalName)
      return false;
  return true;
}

} // namespace

MergeJournal::MergeJournal(const fs::path &target, const std::string &key)
    : folder(target.parent_path() / ("." + target.filename().string() + ".merge")) {
  makeFolders(folder);
  lock = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0)
    throwWriteError("write", folder, errno);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(lock);
    badInput(target.string() +
             ": another process is merging into it: wait for it, or choose another output_dir");
  }
  try {
    if (!isOurs(folder))
      badInput(folder.string() +
               ": holds files that no merge wrote, where this one would work: move them away");
    if (!readEntries(key))
      begin(key);
    journal = open((folder / journalName).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (journal < 0)
      throwWriteError("write", folder / journalName, errno);
  } catch (...) {
    close(lock);
    throw;
  }
}

MergeJournal::~MergeJournal() {
  if (journal >= 0)
    close(journal);
  std::error_code ignored;
  if (!kept)
    fs::remove_all(folder, ignored);
  close(lock);
}

// A last line without its end was being written when the process ended; anything else that is wrong makes the
// journal worthless.
bool MergeJournal::readEntries(const std::string &key) {
  fs::path path = folder / journalName;
  if (!fs::exists(path) || !fs::is_directory(out()))
    return false;
  std::string text = readFile(path);
  size_t end = text.rfind('\n');
  if (end == text.npos)
    return false;
  text.resize(end + 1);
  try {
    for (size_t begin = 0, line = 1; begin < text.size(); ++line) {
      size_t stop = text.find('\n', begin);
      json value =
          parseJson(std::string_view(text).substr(begin, stop - begin), path.string(), int64_t(line));
      JsonFields fields(value, path.string());
      begin = stop + 1;
      if (line == 1) {
        if (fields.string("key") != key)
          return false;
        continue;
      }
      finished[{fields.string("file"), fields.string("tensor")}] = {
          fields.number("update"), fields.number("lost"), fields.number("along"), fields.integer("changed"),
          fields.integer("elements")};
    }
  } catch (const Error &) {
    finished.clear();
    return false;
  }
  // What is cut off must not lie in front of the next line.
  if (truncate(path.c_str(), static_cast<off_t>(text.size())) != 0)
    throwWriteError("write", path, errno);
  return true;
}

void MergeJournal::begin(const std::string &key) {
  forget(); // first: of a journal without its files the next call would believe every word
  std::error_code code;
  fs::remove_all(out(), code);
  makeFolders(out());
  writeFileAtomically(folder / journalName, json{{"key", key}}.dump() + "\n");
}

void MergeJournal::forget() {
  std::error_code code;
  fs::remove(folder / journalName, code);
  if (fsync(lock) != 0)
    throwWriteError("write", folder, errno);
}

void MergeJournal::add(const std::vector<Entry> &entries) {
  std::string text;
  for (const Entry &entry : entries)
    text += json{{"file", entry.file},
                 {"tensor", entry.tensor},
                 {"update", entry.sums.update},
                 {"lost", entry.sums.lost},
                 {"along", entry.sums.along},
                 {"changed", entry.sums.changed},
                 {"elements", entry.sums.elements}}
                .dump() +
            "\n";
  writeAll(journal, text, folder / journalName);
}

} // namespace mlora
