// Comma-separated values (RFC 4180): fields in quotes may hold commas, line ends and doubled quotes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

struct CsvRow {
  std::vector<std::string> fields = {};
  int64_t line = 0; ///< of the file, from 1, where it begins
};

/// Blank lines are no rows; a byte-order mark is skipped. Throws Error(BadInput) that names file and line for a quote
/// that is never closed, text behind a closing quote, and text that is not UTF-8.
std::vector<CsvRow> readCsv(std::string_view content, const std::string &file);

} // namespace mlora
