// TensorBoard event files, written without protobuf: a few messages of fixed form.
#pragma once

#include "mlora/Runtime/Report/StepRecord.h"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

namespace mlora {

/// CRC32C (Castagnoli) of bytes.
uint32_t crc32c(std::string_view bytes);
/// The same as record files store it, so that a checksum of checksums does not degenerate.
uint32_t maskedCrc32c(std::string_view bytes);

/// Writes `events.out.tfevents.<time>.<host>.<pid>` into a folder, which is made.
class TensorBoard : public Report {
public:
  /// A resumed run says from which step on events of earlier files are void.
  TensorBoard(const std::filesystem::path &folder, int64_t resumedSteps);

  void step(const StepRecord &record) override;

  /// One record: u64 length, its masked CRC, the data, their masked CRC.
  static std::string record(std::string_view data);

private:
  void write(const std::string &event);

  std::filesystem::path path;
  std::ofstream file;
};

} // namespace mlora
