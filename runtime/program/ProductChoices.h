// Which of cuBLASLt's algorithms was the fastest for a shape, kept between runs: nothing is measured twice,
// and a run adds in the order of the one before, so that it makes the same bits.
#pragma once

#include "mlora/Runtime/Cuda/BlasLt.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace mlora {

class ProductChoices {
public:
  /// Keeps nothing between runs.
  ProductChoices() = default;
  /// In `file`, made when there is something to keep. What is there counts where it is for this GPU and this
  /// version of the library; a file that is damaged counts as none, since all in it can be measured again.
  ProductChoices(std::filesystem::path file, std::string gpu, size_t version);
  /// The file in the cache's folder for this GPU and library.
  static std::filesystem::path fileFor(const std::filesystem::path &cache, const std::string &gpu,
                                       size_t version);
  /// Those of a file that all devices of this process share, so that none measures what another one has.
  static ProductChoices &shared(const std::filesystem::path &file, const std::string &gpu, size_t version);

  std::optional<cuda::Algorithm> find(const std::string &shape) const;
  void keep(const std::string &shape, const cuda::Algorithm &algorithm);
  /// Writes the file where there is something new. Also what other processes have kept in the meantime stays.
  void save();

private:
  std::map<std::string, cuda::Algorithm> read() const;

  std::filesystem::path file;
  std::string gpu;
  size_t version = 0;
  std::map<std::string, cuda::Algorithm> choices;
  bool isSaved = true;
};

} // namespace mlora
