#include "mlora/Runtime/Program/ThreadPool.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <csignal>
#include <sched.h>
#include <system_error>

namespace mlora {
namespace {

// Between two launches of a step pass microseconds: worth waiting for awake, but not for long where cores are
// shared.
constexpr int spins = 4000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

constexpr int64_t leaving = -1;

} // namespace

int64_t ThreadPool::availableThreads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  return std::max(1, CPU_COUNT(&set));
}

ThreadPool::ThreadPool(int64_t threads) {
  if (threads <= 0)
    threads = availableThreads();
  // Signals are for the thread that runs the command.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (int64_t worker = 1; worker < threads; ++worker)
      workers.emplace_back([this, worker] { work(worker); });
  } catch (const std::system_error &error) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    leave();
    failed("no more than " + std::to_string(workers.size() + 1) + " threads could be started (" +
           error.what() + "): give a lower num_threads");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadPool::~ThreadPool() { leave(); }

void ThreadPool::leave() {
  stopping = true;
  unclaimed.store(leaving, std::memory_order_release);
  unclaimed.notify_all();
  for (std::thread &thread : workers)
    thread.join();
}

/// Claims a block and runs it; false when there is none.
bool ThreadPool::runOne(int64_t worker) {
  int64_t left = unclaimed.load(std::memory_order_relaxed);
  do {
    if (left <= 0)
      return false;
    // The claim itself makes `job` safe to read: it cannot change before this block is done. That holds even
    // when the number belongs to a later job than the one that was looked at.
  } while (
      !unclaimed.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_relaxed));
  Job mine = job;
  mine.body(mine.context, mine.blocks - left, worker);
  if (done.fetch_add(1, std::memory_order_acq_rel) + 1 == mine.blocks)
    done.notify_one();
  return true;
}

void ThreadPool::work(int64_t worker) {
  while (!stopping.load(std::memory_order_relaxed)) {
    if (runOne(worker))
      continue;
    int64_t seen = 0;
    for (int i = 0; i < spins && (seen = unclaimed.load(std::memory_order_relaxed)) == 0; ++i)
      pause();
    if (seen == 0)
      unclaimed.wait(0, std::memory_order_acquire);
  }
}

void ThreadPool::run(int64_t blocks, Body body, void *context) {
  if (workers.empty() || blocks <= 1) {
    for (int64_t block = 0; block < blocks; ++block)
      body(context, block, 0);
    return;
  }
  job = {blocks, body, context};
  done.store(0, std::memory_order_relaxed);
  unclaimed.store(blocks, std::memory_order_release);
  unclaimed.notify_all();
  while (runOne(0))
    ;
  int64_t finished;
  for (int i = 0; i < spins && done.load(std::memory_order_acquire) < blocks; ++i)
    pause();
  while ((finished = done.load(std::memory_order_acquire)) < blocks)
    done.wait(finished, std::memory_order_acquire);
}

} // namespace mlora
