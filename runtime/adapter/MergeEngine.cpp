#include "MergeEngine.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/StreamFile.h"
#include "mlora/Runtime/Program/ThreadPool.h"

#include <algorithm>
#include <atomic>
#include <cblas.h>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

namespace mlora {
namespace {

/// Rows that lie as neighbours (2j, 2j + 1) of a head of this size, and as halves (j, j + size / 2).
int64_t halvesRow(int64_t row, int64_t size) {
  return row / size * size + row % 2 * (size / 2) + row % size / 2;
}
int64_t neighboursRow(int64_t row, int64_t size) {
  return row / size * size + 2 * (row % (size / 2)) + row % size / (size / 2);
}

/// A tensor on its way: who finishes its last block says that it is done.
struct Job {
  const PlannedFile *file = nullptr;
  const PlannedTensor *tensor = nullptr;
  size_t fileIndex = 0;
  int64_t blockRows = 1, blocks = 1; ///< of a copy, a row is a byte
  std::vector<UpdateSums> sums;      ///< a block each, so that their order is fixed
  std::atomic<int64_t> left = 0;
  std::once_flag loaded;
  LowRank factors;
  bool updated() const { return tensor->layer >= 0; }
};

struct Buffers {
  std::vector<uint8_t> raw, out;
  std::vector<float> weight, turned, update;
};

class Engine {
public:
  Engine(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
         const MergeOptions &options, const MergePlan &plan, MergeJournal &journal)
      : base(base), adapters(adapters), options(options), plan(plan), journal(journal) {
    for (const StoredFile &file : base.storedFiles())
      inputs.emplace(file.path, StreamFile::input(file.path));
    for (const PlannedFile &file : plan.files) {
      outputs.push_back(StreamFile::output(journal.out() / file.name, file.bytes));
      outputs.back().write(0, file.head.data(), file.head.size());
      total += file.bytes;
      done += file.head.size();
    }
  }

  LayerSums run() {
    int blasThreads = openblas_get_num_threads();
    openblas_set_num_threads(1); // blocks are what is divided
    int64_t count = (options.threads > 0 ? options.threads : ThreadPool::availableThreads()) + 1;
    std::vector<std::thread> workers; // one more than cores: one of them waits for the disk
    for (int64_t i = 0; i < count; ++i)
      workers.emplace_back([this] { work(); });
    std::exception_ptr interruption = watch(count);
    for (std::thread &worker : workers)
      worker.join();
    openblas_set_num_threads(blasThreads);
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
    Buffers buffers;
    try {
      while (!stopped) {
        auto [job, block] = next();
        if (!job)
          break;
        doBlock(*job, block, buffers);
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

  std::pair<std::shared_ptr<Job>, int64_t> next() {
    std::lock_guard lock(mutex);
    while (!current || nextBlock == current->blocks) {
      current = nextJob();
      nextBlock = 0;
      if (!current)
        return {};
    }
    return {current, nextBlock++};
  }

  std::shared_ptr<Job> nextJob() {
    for (; fileIndex < plan.files.size(); ++fileIndex, tensorIndex = 0) {
      const PlannedFile &file = plan.files[fileIndex];
      while (tensorIndex < file.tensors.size()) {
        const PlannedTensor &tensor = file.tensors[tensorIndex++];
        auto finished = journal.done().find({file.name, tensor.name});
        if (finished == journal.done().end())
          return makeJob(file, tensor);
        done += tensor.bytes;
        if (tensor.layer >= 0)
          result[{tensor.layer, tensor.target}].add(finished->second);
      }
    }
    return nullptr;
  }

  std::shared_ptr<Job> makeJob(const PlannedFile &file, const PlannedTensor &tensor) {
    auto job = std::make_shared<Job>();
    job->file = &file;
    job->tensor = &tensor;
    job->fileIndex = fileIndex;
    int64_t rows = tensor.rows;
    if (!tensor.format) {
      job->blockRows = int64_t(4) << 20;
      rows = int64_t(tensor.bytes);
    } else {
      job->blockRows = std::max<int64_t>(1, options.blockValues / tensor.columns);
      // Whole heads where rows change places; whole blocks of any type in a vector.
      int64_t unit = tensor.columns == 1                             ? 256
                     : tensor.neighbours != tensor.source.neighbours ? base.config().headDim
                                                                     : 1;
      job->blockRows = (job->blockRows + unit - 1) / unit * unit;
    }
    job->blocks = std::max<int64_t>(1, (rows + job->blockRows - 1) / job->blockRows);
    job->left = job->blocks;
    job->sums.resize(static_cast<size_t>(job->blocks));
    return job;
  }

  void doBlock(Job &job, int64_t block, Buffers &buffers) {
    if (!job.tensor->format)
      return copyBlock(job, block, buffers);
    const PlannedTensor &tensor = *job.tensor;
    int64_t first = block * job.blockRows, rows = std::min(job.blockRows, tensor.rows - first);
    int64_t columns = tensor.columns, count = rows * columns;
    readWeight(tensor, first, rows, buffers);
    StorePiece piece;
    piece.weight = buffers.weight.data();
    piece.count = count;
    if (job.updated()) {
      std::call_once(job.loaded, [&] { job.factors = factorsOf(tensor); });
      buffers.update.resize(static_cast<size_t>(count));
      int rank = static_cast<int>(job.factors.rank), width = static_cast<int>(columns);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(rows), width, rank, 1,
                  job.factors.b.data() + first * rank, rank, job.factors.a.data(), width, 0,
                  buffers.update.data(), width);
      piece.update = buffers.update.data();
      piece.stochastic = options.stochastic;
      piece.key = static_cast<uint32_t>(hash64(tensor.source.name, options.seed));
      piece.first = first * columns;
    }
    const char *stored = storeName(*tensor.format);
    buffers.out.resize(storedSize(stored, count));
    piece.out = buffers.out.data();
    bool overflow = false;
    job.sums[static_cast<size_t>(block)] = storePiece(*tensor.format, piece, overflow);
    if (overflow)
      badInput("tensor '" + tensor.name + "' holds values that " + stored +
               " cannot store (beyond 65504, or not finite): choose dtype bf16 or f32");
    outputs[job.fileIndex].write(tensor.offset + storedSize(stored, first * columns), buffers.out.data(),
                                 buffers.out.size());
    done += buffers.out.size();
  }

  void copyBlock(Job &job, int64_t block, Buffers &buffers) {
    const PlannedTensor &tensor = *job.tensor;
    uint64_t first = uint64_t(block * job.blockRows),
             size = std::min(uint64_t(job.blockRows), tensor.bytes - first);
    buffers.raw.resize(size);
    if (tensor.source.file.empty())
      std::memcpy(buffers.raw.data(), tensor.literal.data() + first, size);
    else
      inputs.at(tensor.source.file).read(tensor.source.offset + first, buffers.raw.data(), size);
    outputs[job.fileIndex].write(tensor.offset + first, buffers.raw.data(), size);
    done += size;
  }

  /// Into buffers.weight, in the output's order of rows.
  void readWeight(const PlannedTensor &tensor, int64_t first, int64_t rows, Buffers &buffers) {
    const std::string &dtype = tensor.source.dtype;
    int64_t columns = tensor.columns, count = rows * columns;
    buffers.raw.resize(storedSize(dtype, count));
    inputs.at(tensor.source.file)
        .read(tensor.source.offset + storedSize(dtype, first * columns), buffers.raw.data(),
              buffers.raw.size());
    bool turns = tensor.neighbours != tensor.source.neighbours;
    std::vector<float> &values = turns ? buffers.turned : buffers.weight;
    values.resize(static_cast<size_t>(count));
    decodeStored(dtype, buffers.raw.data(), count, values.data());
    if (!turns)
      return;
    buffers.weight.resize(values.size());
    int64_t size = base.config().headDim;
    for (int64_t row = 0; row < rows; ++row) {
      int64_t from = tensor.neighbours ? halvesRow(row, size) : neighboursRow(row, size);
      std::copy_n(values.data() + from * columns, columns, buffers.weight.data() + row * columns);
    }
  }

  /// All adapters' as one, b in the output's order of rows.
  LowRank factorsOf(const PlannedTensor &tensor) const {
    LowRank sum;
    std::vector<LowRank> parts;
    for (const AdapterSource *adapter : adapters)
      if (adapter->rank(tensor.layer, tensor.target)) {
        parts.push_back(adapter->factors(tensor.layer, tensor.target));
        sum.rank += parts.back().rank;
      }
    if (parts.size() == 1 && !tensor.neighbours)
      return std::move(parts.front());
    sum.b.resize(static_cast<size_t>(tensor.rows * sum.rank));
    int64_t begin = 0, size = base.config().headDim;
    for (const LowRank &part : parts) {
      sum.a.insert(sum.a.end(), part.a.begin(), part.a.end());
      for (int64_t row = 0; row < tensor.rows; ++row) {
        int64_t from = tensor.neighbours ? halvesRow(row, size) : row;
        std::copy_n(part.b.data() + from * part.rank, part.rank, sum.b.data() + row * sum.rank + begin);
      }
      begin += part.rank;
    }
    return sum;
  }

  void finish(Job &job) {
    UpdateSums sums;
    for (const UpdateSums &part : job.sums)
      sums.add(part);
    if (!std::isfinite(sums.update))
      badInput("the update of tensor '" + job.tensor->name +
               "' is not finite: the adapter holds infinities or NaNs, did its training diverge?");
    uint64_t waiting;
    {
      std::lock_guard lock(mutex);
      if (job.updated())
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
    std::vector<bool> synced(outputs.size());
    for (auto &[file, entry] : entries) {
      if (!synced[file])
        outputs[file].sync();
      synced[file] = true;
      lines.push_back(std::move(entry));
    }
    journal.add(lines);
  }

  const Checkpoint &base;
  const std::vector<const AdapterSource *> &adapters;
  const MergeOptions &options;
  const MergePlan &plan;
  MergeJournal &journal;
  std::map<std::filesystem::path, StreamFile> inputs;
  std::vector<StreamFile> outputs;
  std::mutex mutex, syncing;
  std::condition_variable changed;
  std::exception_ptr failure;
  std::atomic<bool> stopped = false;
  int64_t ended = 0;
  std::shared_ptr<Job> current;
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
