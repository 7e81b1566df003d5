// Runs the blocks of a grid on a fixed number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace mlora {

/// One caller at a time; the caller is worker 0 and works too. Which worker runs a block is decided by who is
/// free: blocks must not depend on one another, and then no result depends on the number of threads.
class ThreadPool {
public:
  /// 0: as many as there are CPUs that this process may use.
  explicit ThreadPool(int64_t threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int64_t threads() const { return int64_t(workers.size()) + 1; }
  static int64_t availableThreads();

  /// body(context, block, worker) for every block in [0, blocks); returns when all are done.
  using Body = void (*)(void *context, int64_t block, int64_t worker);
  void run(int64_t blocks, Body body, void *context);

  /// The same for a function object.
  template <typename Function> void forEach(int64_t blocks, Function &&function) {
    run(
        blocks,
        [](void *context, int64_t block, int64_t worker) {
          (*static_cast<std::remove_reference_t<Function> *>(context))(block, worker);
        },
        const_cast<void *>(static_cast<const void *>(&function)));
  }

private:
  void work(int64_t worker);
  void leave(); ///< ends every thread
  bool runOne(int64_t worker);

  struct Job {
    int64_t blocks = 0;
    Body body = nullptr;
    void *context = nullptr;
  };
  Job job; ///< written while no block is unclaimed or running, read only after a claim
  /// Blocks that nobody has claimed yet. On cache lines of their own: every worker writes to them.
  alignas(64) std::atomic<int64_t> unclaimed = 0;
  alignas(64) std::atomic<int64_t> done = 0;
  alignas(64) std::atomic<bool> stopping = false;
  std::vector<std::thread> workers;
};

} // namespace mlora
