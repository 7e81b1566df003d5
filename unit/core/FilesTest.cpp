#include "mlora/Runtime/Core/Files.h"
#include "../Expect.h"
#include "../TempFolder.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/MappedFile.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace mlora;
using mlora::test::TempFolder;

static size_t entries(const std::filesystem::path &folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

TEST(Files, ADeviceIsNoFile) {
  EXPECT_REFUSED(readFile("/dev/zero"), "/dev/zero: is a device");
}

TEST(MappedFile, ReadsAndReleases) {
  TempFolder folder;
  std::string text(100000, 'x');
  MappedFile file(folder.file("a", text));
  file.release(10, 99999999); // more than there is
  EXPECT_EQ(std::string(file.bytes().begin(), file.bytes().end()), text);
  EXPECT_EQ(MappedFile(folder.file("empty", "")).size(), 0u);
  EXPECT_REFUSED(MappedFile(folder / "none"), "none", "No such file");
  EXPECT_REFUSED(MappedFile(folder.path()), "not a regular file");
}

TEST(AtomicFile, IsWholeOrAbsent) {
  TempFolder folder;
  auto path = folder.file("a", "old");
  {
    AtomicFile file(path);
    file.write("new");
    EXPECT_EQ(readFile(path), "old");
  }
  EXPECT_EQ(readFile(path), "old");
  EXPECT_EQ(entries(folder.path()), 1u);
  writeFileAtomically(path, "new");
  EXPECT_EQ(readFile(path), "new");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicFile, NamesWhatStopsIt) {
  TempFolder folder;
  EXPECT_REFUSED(writeFileAtomically(folder / "none/a", ""), "none/a", "No such file");
  EXPECT_REFUSED(writeFileAtomically(folder.file("f", "") / "a", ""), "f/a");
  chmod(folder.path().c_str(), 0555);
  pid_t child = fork();
  if (child == 0) {
    // Root may write anywhere, so somebody else tries.
    if (geteuid() == 0 && seteuid(65534) != 0)
      _exit(9);
    try {
      writeFileAtomically(folder / "a", "");
    } catch (const Error &error) {
      bool said = std::string(error.what()).find("may write") != std::string::npos;
      _exit(error.status == Status::BadInput && said ? 7 : 8);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  chmod(folder.path().c_str(), 0700);
}

// A file size limit stops the write half way, as a full disk does.
TEST(AtomicFile, FullDiskIsAMessage) {
  TempFolder folder;
  auto path = folder.file("a", "old");
  pid_t child = fork();
  if (child == 0) {
    rlimit limit{4096, 4096};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      writeFileAtomically(path, std::string(100000, 'x'));
    } catch (const Error &error) {
      _exit(error.status == Status::Failed ? 7 : 8);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(readFile(path), "old");
  EXPECT_EQ(entries(folder.path()), 1u);
  EXPECT_REFUSED(checkFreeSpace(folder / "not/yet", uint64_t(1) << 62), "MiB", "are free");
}

TEST(AtomicFolder, TakesNoPlaceOfAnotherFileSystem) {
  EXPECT_REFUSED(checkNoMountPoint("/proc"), "/proc", "another file system", "name a folder inside it");
  EXPECT_REFUSED(AtomicFolder("/proc", ExistingFolder::Replace), "another file system");
  TempFolder folder;
  checkNoMountPoint(folder.path());
  checkNoMountPoint(folder / "absent");
}

TEST(AtomicFolder, RefusesOrReplaces) {
  TempFolder folder;
  auto target = folder / "sub/model";
  {
    AtomicFolder aside(target);
    writeFileAtomically(aside.aside() / "a", "1");
    EXPECT_FALSE(std::filesystem::exists(target));
    aside.commit();
  }
  EXPECT_EQ(readFile(target / "a"), "1");
  EXPECT_REFUSED(AtomicFolder{target}, "not empty");
  {
    AtomicFolder aside(target, ExistingFolder::Replace);
    writeFileAtomically(aside.aside() / "b", "2");
  }
  EXPECT_EQ(readFile(target / "a"), "1");
  {
    AtomicFolder aside(target, ExistingFolder::Replace);
    writeFileAtomically(aside.aside() / "b", "2");
    aside.commit();
  }
  EXPECT_FALSE(std::filesystem::exists(target / "a"));
  EXPECT_EQ(readFile(target / "b"), "2");
  EXPECT_EQ(entries(folder / "sub"), 1u);
}

// Who lives is told by a lock: process ids are those of one container only.
TEST(AtomicFolder, RemovesLeftoversOfTheDead) {
  TempFolder folder;
  auto leave = [&] {
    pid_t child = fork();
    if (child == 0) {
      AtomicFolder first(folder / "sub/model");
      AtomicFile second(folder / "sub/file");
      writeFileAtomically(first.aside() / "a", "");
      _exit(7); // no destructor runs
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(leave(), 7);
  EXPECT_EQ(entries(folder / "sub"), 2u);
  // The second removes what the first left, and leaves its own.
  EXPECT_EQ(leave(), 7);
  EXPECT_EQ(entries(folder / "sub"), 2u);
  {
    // The living are not touched, whoever they are.
    AtomicFolder model(folder / "sub/model"), again(folder / "sub/model");
    AtomicFile file(folder / "sub/file"), other(folder / "sub/file");
    EXPECT_EQ(entries(folder / "sub"), 4u);
    writeFileAtomically(model.aside() / "a", "1");
    writeFileAtomically(again.aside() / "a", "2");
    removePartial(folder / "sub/model");
    file.write("1");
    file.commit();
    other.write("2");
    other.commit();
    model.commit();
    EXPECT_EQ(readFile(folder / "sub/model/a"), "1");
    EXPECT_EQ(readFile(folder / "sub/file"), "2");
  }
  EXPECT_EQ(entries(folder / "sub"), 2u);
}

TEST(AtomicFolder, RemovesNothingOfOthers) {
  TempFolder folder;
  const std::string prefix = ".model.partial-", random = "0123456789abcdef";
  for (const std::string &name : {random, random + "-old", random + "-older", random + "0", random.substr(1),
                                  std::string("0123456789ABCDEF"), std::string("1")})
    folder.file(prefix + name + "/a", "");
  removePartial(folder / "model");
  EXPECT_FALSE(std::filesystem::exists(folder / (prefix + random)));
  EXPECT_EQ(entries(folder.path()), 6u);
  // What made way goes once the new one is in its place.
  folder.file("model/a", "");
  removePartial(folder / "model");
  EXPECT_FALSE(std::filesystem::exists(folder / (prefix + random + "-old")));
  EXPECT_EQ(entries(folder.path()), 6u);
}

TEST(Hash, KnownValues) {
  EXPECT_EQ(hashHex(""), "99aa06d3014798d86001c324468d497f");
  TempFolder folder;
  EXPECT_EQ(hashFileHex(folder.file("a", "abc")), hashHex("abc"));
  EXPECT_EQ(Hasher().update("ab").update("c").hex(), hashHex("abc"));
}
