// Tokenised rows in a file, so that a second run needs no tokenising.
#pragma once

#include "mlora/Runtime/Core/MappedFile.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace mlora {

/// The file: `mlora tokenised rows 1\n`, u64 rows, u64 flag, u64 ends[rows] (in words, each row's), the rows'
/// words (RowCode.h), and the xxh3-128 of all before as 32 hex digits. Little-endian.
class RowCache {
public:
  /// Nothing when there is no such file or it is damaged: the rows are then tokenised.
  static std::optional<RowCache> open(const std::filesystem::path &path, int64_t rows);
  /// Writes aside and renames; removes the caches that were used longest ago, but for the newest 16. Throws
  /// Error.
  static void write(const std::filesystem::path &path, int64_t rows, bool lacksEos,
                    const std::function<std::span<const int32_t>(int64_t)> &row);

  std::span<const int32_t> row(int64_t i) const;
  bool lacksEos() const { return flag; }

private:
  explicit RowCache(MappedFile file) : file(std::move(file)) {}

  MappedFile file;
  std::span<const uint64_t> ends;
  std::span<const int32_t> words;
  bool flag = false;
};

} // namespace mlora
