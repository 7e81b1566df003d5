#include "MergeEngine.h"

#include "MergeBlocks.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Program/ThreadPool.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace mlora {
namespace {

class Engine {
public:
  Engine(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
         const MergeOptions &options, const MergePlan &plan, MergeJournal &journal)
      : blocks(base, adapters, options, plan, journal.out()), options(options), plan(plan), journal(journal) {
    for (const PlannedFile &file : plan.files) {
      total += file.bytes;
      done += file.head.size();
    }
  }

  LayerSums run() {
    int64_t count = (options.threads > 0 ? options.threads : ThreadPool::availableThreads()) + 2;
    std::vector<std::thread>
        workers; // more than cores: some wait for the disk, to be read from or written to
    workers.reserve(size_t(count));
    for (int64_t i = 0; i < count; ++i)
      try {
        workers.emplace_back([this] { work(); });
      } catch (const std::exception &error) { // the system has no more: those that there are do the work
        if (workers.empty())
          failed(std::string("no thread to merge with can be started: ") + error.what());
        break;
      }
    std::exception_ptr interruption = watch(int64_t(workers.size()));
    for (std::thread &worker : workers)
      worker.join();
    if (failure)
      std::rethrow_exception(failure);
    flush();
    if (interruption)
      std::rethrow_exception(interruption);
    if (options.progress)
      options.progress(int64_t(total), int64_t(total));
    return result;
  }

private:
  // Progress is told by the caller's thread; what it throws ends the others.
  std::exception_ptr watch(int64_t count) {
    std::unique_lock lock(mutex);
    while (ended < count) {
      changed.wait_for(lock, std::chrono::milliseconds(100));
      if (!options.progress || stopped)
        continue;
      int64_t now = int64_t(done);
      lock.unlock();
      try {
        options.progress(now, int64_t(total));
      } catch (...) {
        stopped = true;
        return std::current_exception();
      }
      lock.lock();
    }
    return nullptr;
  }

  void work() {
    MergeBuffers buffers;
    try {
      while (!stopped) {
        auto [job, block] = next();
        if (!job)
          break;
        done += blocks.run(*job, block, buffers);
        if (--job->left == 0)
          finish(*job);
      }
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!failure)
        failure = std::current_exception();
      stopped = true;
    }
    std::lock_guard lock(mutex);
    ++ended;
    changed.notify_all();
  }

  std::pair<std::shared_ptr<MergeJob>, int64_t> next() {
    std::lock_guard lock(mutex);
    while (!current || nextBlock == current->blocks) {
      current = nextJob();
      nextBlock = 0;
      if (!current)
        return {};
    }
    return {current, nextBlock++};
  }

  std::shared_ptr<MergeJob> nextJob() {
    for (; fileIndex < plan.files.size(); ++fileIndex, tensorIndex = 0) {
      const PlannedFile &file = plan.files[fileIndex];
      while (tensorIndex < file.tensors.size()) {
        const PlannedTensor &tensor = file.tensors[tensorIndex++];
        auto finished = journal.done().find({file.name, tensor.name});
        if (finished == journal.done().end())
          return blocks.makeJob(fileIndex, tensor);
        done += tensor.bytes;
        if (tensor.updated())
          result[{tensor.layer, tensor.target}].add(finished->second);
      }
    }
    return nullptr;
  }

  void finish(MergeJob &job) {
    UpdateSums sums;
    for (const UpdateSums &part : job.sums)
      sums.add(part);
    if (!std::isfinite(sums.update))
      badInput("the update of tensor '" + job.tensor->name +
               "' is not finite: what was trained holds infinities or NaNs, did its training diverge?");
    if (!std::isfinite(sums.lost))
      badInput("tensor '" + job.tensor->name +
               "' of the base holds infinities or NaNs (or sums that its type cannot "
               "hold): look at the base model; dtype=f32 holds larger numbers than f16");
    uint64_t waiting;
    {
      std::lock_guard lock(mutex);
      if (job.tensor->updated())
        result[{job.tensor->layer, job.tensor->target}].add(sums);
      pending.push_back({job.fileIndex, {job.file->name, job.tensor->name, sums}});
      pendingBytes += job.tensor->bytes;
      waiting = pendingBytes;
    }
    constexpr uint64_t often =
        64 << 20; // bytes that a killed merge does again at most, and that lie unwritten
    if (waiting >= often)
      if (std::unique_lock turn(syncing, std::try_to_lock); turn)
        writeJournal();
  }

  void flush() {
    std::lock_guard turn(syncing);
    writeJournal();
  }

  // What the journal says is on disk before the journal says it.
  void writeJournal() {
    std::vector<std::pair<size_t, MergeJournal::Entry>> entries;
    {
      std::lock_guard lock(mutex);
      entries.swap(pending);
      pendingBytes = 0;
    }
    if (entries.empty())
      return;
    std::vector<MergeJournal::Entry> lines;
    std::vector<bool> synced(plan.files.size());
    for (auto &[file, entry] : entries) {
      if (!synced[file])
        blocks.sync(file);
      synced[file] = true;
      lines.push_back(std::move(entry));
    }
    journal.add(lines);
  }

  MergeBlocks blocks;
  const MergeOptions &options;
  const MergePlan &plan;
  MergeJournal &journal;
  std::mutex mutex, syncing;
  std::condition_variable changed;
  std::exception_ptr failure;
  std::atomic<bool> stopped = false;
  int64_t ended = 0;
  std::shared_ptr<MergeJob> current;
  int64_t nextBlock = 0;
  size_t fileIndex = 0, tensorIndex = 0;
  LayerSums result;
  std::vector<std::pair<size_t, MergeJournal::Entry>> pending;
  uint64_t pendingBytes = 0;
  std::atomic<uint64_t> done = 0;
  uint64_t total = 0;
};

} // namespace

LayerSums runMerge(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                   const MergeOptions &options, const MergePlan &plan, MergeJournal &journal) {
  return Engine(base, adapters, options, plan, journal).run();
}

} // namespace mlora
