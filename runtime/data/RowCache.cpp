#include "RowCache.h"

#include "mlora/Runtime/Core/CacheFolder.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace fs = std::filesystem;

namespace mlora {
namespace {

// 24 bytes, so that what follows is aligned.
constexpr std::string_view magic = "mlora tokenised rows 1\n\n";
static_assert(magic.size() % alignof(uint64_t) == 0);
constexpr size_t digits = 32;

/// Of what is whole; what writers that died have left goes, too.
void keepNewest(const fs::path &folder, size_t most) {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::vector<fs::path> torn;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    std::string name = entry->path().filename().string();
    if (entry->path().extension() == ".rows")
      files.emplace_back(entry->last_write_time(ignored), entry->path());
    else if (size_t cut = name.find(".rows.partial-"); name.starts_with('.') && cut != name.npos)
      torn.push_back(folder / name.substr(1, cut + 4)); // the name without its dot, up to .rows
  }
  for (const fs::path &path : torn)
    removePartial(path);
  std::ranges::sort(files, std::greater<>());
  for (size_t i = most; i < files.size(); ++i)
    fs::remove(files[i].second, ignored);
}

} // namespace

std::optional<RowCache> RowCache::open(const fs::path &path, int64_t rows) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored))
    return std::nullopt;
  RowCache cache{MappedFile(path)};
  std::span<const uint8_t> bytes = cache.file.bytes();
  size_t header = magic.size() + (2 + size_t(rows)) * sizeof(uint64_t);
  if (bytes.size() < header + digits || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0)
    return std::nullopt;
  std::span<const uint8_t> body = bytes.first(bytes.size() - digits);
  if (hashHex(body.data(), body.size()) != std::string(bytes.end() - digits, bytes.end()))
    return std::nullopt;
  auto *numbers = reinterpret_cast<const uint64_t *>(bytes.data() + magic.size());
  cache.ends = {numbers + 2, size_t(rows)};
  cache.words = {reinterpret_cast<const int32_t *>(bytes.data() + header),
                 (body.size() - header) / sizeof(int32_t)};
  cache.flag = numbers[1] != 0;
  if (numbers[0] != uint64_t(rows) || !std::ranges::is_sorted(cache.ends) ||
      (rows > 0 && cache.ends.back() != cache.words.size()))
    return std::nullopt;
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored); // used now
  return cache;
}

std::span<const int32_t> RowCache::row(int64_t i) const {
  uint64_t begin = i == 0 ? 0 : ends[size_t(i - 1)];
  return words.subspan(begin, ends[size_t(i)] - begin);
}

void RowCache::write(const fs::path &path, int64_t rows, bool lacksEos,
                     const std::function<std::span<const int32_t>(int64_t)> &row) {
  makePrivateFolders(path.parent_path());
  uint64_t end = 0;
  std::vector<uint64_t> numbers = {uint64_t(rows), lacksEos};
  for (int64_t i = 0; i < rows; ++i)
    numbers.push_back(end += row(i).size());
  checkFreeSpace(path, end * sizeof(int32_t) + numbers.size() * sizeof(uint64_t));
  AtomicFile file(path);
  Hasher hash;
  auto put = [&](const void *data, size_t size) {
    hash.update(data, size);
    file.write(data, size);
  };
  put(magic.data(), magic.size());
  put(numbers.data(), numbers.size() * sizeof(uint64_t));
  // Written in pieces of a MiB: a row is small.
  std::vector<int32_t> piece;
  for (int64_t i = 0; i < rows; ++i) {
    std::span<const int32_t> words = row(i);
    piece.insert(piece.end(), words.begin(), words.end());
    if (piece.size() >= (1 << 18) || i + 1 == rows) {
      put(piece.data(), piece.size() * sizeof(int32_t));
      piece.clear();
    }
  }
  file.write(hash.hex());
  file.commit();
  keepNewest(path.parent_path(), 16);
}

} // namespace mlora
