#include "mlora/Runtime/Core/StreamFile.h"
#include "../Expect.h"
#include "../SmallDisk.h"
#include "../TempFolder.h"
#include "mlora/Runtime/Core/Files.h"

#include <cstring>
#include <thread>

using namespace mlora;
using mlora::test::TempFolder;

static std::string someBytes(size_t size) {
  std::string bytes(size, 0);
  uint32_t state = 1;
  for (char &each : bytes)
    each = char((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

/// Drops a file's pages, so that what is read next comes from the disk.
static void chill(const std::filesystem::path &path) {
  int descriptor = open(path.c_str(), O_RDONLY);
  fsync(descriptor);
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
}

static std::string piece(const StreamFile &file, uint64_t offset, uint64_t size, PageBuffer &buffer) {
  const uint8_t *data = file.read(offset, size, buffer);
  return std::string(reinterpret_cast<const char *>(data), size);
}

TEST(StreamFile, ReadsAnyPieceFromMemoryOrDisk) {
  TempFolder folder;
  std::string bytes = someBytes(100003);
  auto path = folder.file("a", bytes);
  PageBuffer buffer;
  for (bool cold : {false, true}) {
    if (cold)
      chill(path);
    StreamFile file = StreamFile::input(path);
    for (auto [offset, size] : std::vector<std::pair<uint64_t, uint64_t>>{
             {0, 1}, {0, 4096}, {4095, 2}, {5000, 50000}, {100002, 1}, {0, 100003}, {8192, 0}, {100003, 0}})
      EXPECT_EQ(piece(file, offset, size, buffer), bytes.substr(offset, size)) << offset << " " << size;
    EXPECT_REFUSED(file.read(100000, 4, buffer), "a: cannot be read at byte 100003", "shorter");
    EXPECT_REFUSED(file.read(200000, 4, buffer), "a: cannot be read at byte 200000", "shorter");
  }
  EXPECT_REFUSED(StreamFile::input(folder / "none"), "none", "No such file");
}

// Pieces of several threads, which share the pages at their ends, make a whole; so does memory that no page
// agrees with.
TEST(StreamFile, PiecesOfSeveralThreadsMakeAFile) {
  for (bool straight : {true, false}) {
    TempFolder folder;
    std::string bytes = someBytes(1000003);
    auto path = folder / "out";
    StreamFile file = StreamFile::output(path, bytes.size());
    EXPECT_EQ(std::filesystem::file_size(path), bytes.size());
    constexpr uint64_t step = 30011;
    auto work = [&](uint64_t begin) {
      PageBuffer buffer;
      for (uint64_t offset = begin * step; offset < bytes.size(); offset += 3 * step) {
        uint64_t size = std::min(step, bytes.size() - offset);
        uint8_t *data = buffer.at(straight ? offset : offset + 1, size);
        std::memcpy(data, bytes.data() + offset, size);
        file.write(offset, data, size);
      }
    };
    std::vector<std::thread> threads;
    for (uint64_t i = 0; i < 3; ++i)
      threads.emplace_back(work, i);
    for (std::thread &thread : threads)
      thread.join();
    file.sync();
    EXPECT_EQ(readFile(path), bytes);
    chill(path);
    EXPECT_EQ(readFile(path), bytes);
  }
}

TEST(StreamFile, WritesOverWhatIsThere) {
  TempFolder folder;
  std::string bytes = someBytes(50000);
  auto path = folder.file("out", bytes);
  StreamFile file = StreamFile::output(path, bytes.size());
  PageBuffer buffer;
  uint8_t *data = buffer.at(100, 20000);
  std::memset(data, 'x', 20000);
  file.write(100, data, 20000);
  bytes.replace(100, 20000, 20000, 'x');
  EXPECT_EQ(readFile(path), bytes);
}

TEST(StreamFile, ADiskThatIsTooSmallSaysSoAtOnce) {
  TempFolder folder;
  bool ran = test::withSmallDisk(folder / "disk", 1 << 20, [&] {
    EXPECT_REFUSED(StreamFile::output(folder / "disk" / "out", 2 << 20), "out", "No space left");
  });
  if (!ran)
    GTEST_SKIP() << "no tmpfs of one's own here";
}
