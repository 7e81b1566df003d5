// A file system that fills up: a small tmpfs that one process of a test sees, where the kernel allows it.
#pragma once

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mlora::test {

/// Namespaces of our own, in which we may mount; without root also one of users.
inline bool enterPrivateMounts() {
  uid_t user = geteuid();
  gid_t group = getegid();
  if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
    return false;
  if (user != 0) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  }
  return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// Runs `body`, with its own expectations, in a child that has a file system of so many bytes at `place`, an
/// empty folder. False where the kernel lets us have none: the test is then to be skipped.
[[nodiscard]] inline bool withSmallDisk(const std::filesystem::path &place, uint64_t bytes,
                                        const std::function<void()> &body) {
  constexpr int notAllowed = 99;
  std::filesystem::create_directories(place);
  std::fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    std::string size = "size=" + std::to_string(bytes);
    if (!enterPrivateMounts() || mount("none", place.c_str(), "tmpfs", 0, size.c_str()) != 0)
      _exit(notAllowed);
    body();
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == notAllowed)
    return false;
  EXPECT_EQ(code, 0) << "expectations above failed in the process that had the small disk";
  return true;
}

inline uint64_t freeBytes(const std::filesystem::path &place) {
  struct statvfs status {};
  statvfs(place.c_str(), &status);
  return uint64_t(status.f_bavail) * status.f_frsize;
}

/// Takes all the space that is left but about so much.
inline void fillDisk(const std::filesystem::path &place, uint64_t left) {
  uint64_t room = freeBytes(place);
  std::ofstream(place / "filler", std::ios::binary | std::ios::app)
      << std::string(room > left ? room - left : 0, 'x');
}

} // namespace mlora::test
