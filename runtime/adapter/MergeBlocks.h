// The unit of a merge's work: a block of rows of one tensor, read, added to, rounded and written.
#pragma once

#include "MergePlan.h"
#include "mlora/Runtime/Core/StreamFile.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace mlora {

/// A tensor on its way: who finishes its last block says that it is done.
struct MergeJob {
  const PlannedFile *file = nullptr;
  const PlannedTensor *tensor = nullptr;
  size_t fileIndex = 0;
  int64_t blockRows = 1, blocks = 1; ///< of a copy, a row is a byte
  std::vector<UpdateSums> sums;      ///< a block each, so that their order is fixed
  std::atomic<int64_t> left = 0;
  std::once_flag loaded;
  LowRank factors; ///< of adapters
};

/// What one thread needs for a block; kept from block to block.
struct MergeBuffers {
  PageBuffer raw, out;
  std::vector<float> weight, turned, update, trained;
};

/// Safe from several threads at once, each with its own buffers.
class MergeBlocks {
public:
  /// Opens the base's files and makes the plan's in `out`, their heads written.
  MergeBlocks(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
              const MergeOptions &options, const MergePlan &plan, const std::filesystem::path &out);

  std::shared_ptr<MergeJob> makeJob(size_t fileIndex, const PlannedTensor &tensor) const;
  /// Bytes of the output that are written now.
  uint64_t run(MergeJob &job, int64_t block, MergeBuffers &buffers) const;
  /// Returns when all of a file that is written is on disk.
  void sync(size_t fileIndex) const { outputs[fileIndex].sync(); }

private:
  uint64_t copy(MergeJob &job, int64_t block, MergeBuffers &buffers) const;
  void readRows(const StoredTensor &source, const PlannedTensor &tensor, int64_t first, int64_t rows,
                MergeBuffers &buffers, std::vector<float> &values) const;
  void readUpdate(MergeJob &job, int64_t first, int64_t rows, MergeBuffers &buffers) const;
  LowRank factorsOf(const PlannedTensor &tensor) const;

  const Checkpoint &base;
  const MergeOptions &options;
  const MergePlan &plan;
  std::unique_ptr<AdapterSource> update; ///< all adapters'
  std::map<std::filesystem::path, StreamFile> inputs;
  std::vector<StreamFile> outputs;
};

} // namespace mlora
