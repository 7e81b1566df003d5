// One block that runs: its threads, what they wait for, and the scheduler between them.
#pragma once

#include "Fiber.h"
#include "GlobalHistory.h"
#include "SharedMemory.h"
#include "VectorClock.h"
#include "mlora/Runtime/Emulator/Emulator.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace mlora::emulator {

constexpr unsigned kWarpSize = 32, kNamedBarriers = 16;
constexpr uint32_t kRegisters = 64 << 10; ///< that a multiprocessor has

struct Block;

/// A copy into shared memory that was asked for and has not been waited for.
struct AsyncCopy {
  uint64_t destination, source;
  uint32_t bytes, copied; ///< the rest of `bytes` becomes zero
  uint32_t site;
  char data[16]; ///< the source as it was; it must be so still when the copy is waited for
};

/// What the tensor engine copies at once: 16 bytes of a box or less, or a range of memory.
struct CopyPiece {
  uint64_t shared, global; ///< global 0: outside the tensor
  uint32_t bytes;
};

/// A copy from shared to global memory by the tensor engine.
struct StoreCopy {
  std::vector<CopyPiece> pieces;
  std::vector<char> data; ///< the source as it was
  uint32_t site;
};

/// Tensor copies that one cp.async.bulk.commit_group covers.
struct StoreGroup {
  std::vector<StoreCopy> copies;
  uint32_t moment;     ///< the engine's, of its last read
  bool isRead = false; ///< a wait has said that the source may be overwritten
};

/// Why a thread does not run.
enum class Waiting : uint8_t { No, Barrier, Cluster, Warp, Warpgroup, Mbarrier, Registers, Done };

/// What works beside the threads: copies that report to an mbarrier, wgmma, tensor stores of one thread, what
/// of them reads shared memory and what writes global memory.
enum class Engine : uint8_t { Copy, Product, Store, StoreWrite };

/// Copies under way of one thread, in groups that it commits and waits for.
template <typename Copy> class CopyGroups {
public:
  void add(Copy copy) { open.push_back(std::move(copy)); }
  void commit() {
    committed.push_back(std::move(open));
    open.clear();
  }
  /// Lands all but the last `pending` committed groups, oldest first.
  template <typename Land> void waitFor(uint64_t pending, Land land) {
    for (; committed.size() > pending; committed.pop_front())
      for (const Copy &copy : committed.front())
        land(copy);
  }
  /// All copies so far, committed or not; groups stay as many as they are.
  std::vector<Copy> take() {
    std::vector<Copy> copies;
    for (std::vector<Copy> &group : committed) {
      copies.insert(copies.end(), group.begin(), group.end());
      group.clear();
    }
    copies.insert(copies.end(), open.begin(), open.end());
    open.clear();
    return copies;
  }
  void clear() {
    open.clear();
    committed.clear();
  }
  /// The oldest that has not landed; null: all have.
  const Copy *first() const {
    for (const std::vector<Copy> &group : committed)
      if (!group.empty())
        return &group.front();
    return open.empty() ? nullptr : &open.front();
  }

private:
  std::vector<Copy> open;                  ///< since the last commit
  std::deque<std::vector<Copy>> committed; ///< oldest first
};

/// An allocation in a thread's local memory.
struct LocalMemory {
  uint64_t address, bytes;
  char *written; ///< a byte a byte: 1 once it has been written
};

struct Thread : ThreadContext {
  Block *block;
  Fiber fiber;
  uint16_t index;
  uint8_t lane;
  uint16_t warp;

  Waiting waiting = Waiting::No;
  uint32_t waitSite = 0;
  uint64_t waitFor = 0;         ///< the barrier's number, the mask, the mbarrier's address
  std::optional<uint32_t> globalLook; ///< where it last looked at what others may change, in global memory
  const uint64_t *in = nullptr; ///< operands and results of the collective that it waits in
  uint64_t *out = nullptr;
  uint64_t clusterPhases = 0; ///< of the cluster's barrier, at which it has arrived
  bool atCluster = false;     ///< and has not waited for the last one
  uint16_t atBarriers = 0; ///< barriers that it has reached and that are not complete, a bit each

  uint32_t clock = 1;
  VectorClock known;
  ProxyFences fenced;
  Released released;    ///< what came before the last fence: a later atomic write shows it
  Released releasedToAll; ///< the same of the last fence that other blocks heed
  VectorClock acquired; ///< what atomic reads have seen: the next fence makes it come before now
  bool canRun() const { return waiting == Waiting::No; }

  CopyGroups<AsyncCopy> copies;       ///< cp.async
  std::vector<StoreCopy> stores;      ///< tensor copies to global memory since the last commit
  std::deque<StoreGroup> storeGroups; ///< committed ones, oldest first
  uint16_t storeEngine = 0;           ///< what reads their sources, and its clock
  uint16_t storeWriter = 0;           ///< what writes them, with the same clock
  uint32_t storeMoment = 0;
  std::deque<uint32_t> wgmmaGroups; ///< the last moment of each committed group
  std::vector<uint64_t>
      wgmmaRead;            ///< products whose sums ordinary instructions have used since the last fence
  bool wgmmaWaited = false; ///< for a product, since the last fence
  std::vector<LocalMemory> locals;

  /// This thread's operation has come before every later one of a thread that joins what this returns.
  VectorClock publish() {
    VectorClock all = known;
    all.raise(index, clock++);
    return all;
  }
  Accessor accessor() { return {this, index, clock, &known}; }
};

struct NamedBarrier {
  uint32_t expected = 0, arrived = 0;
  uint32_t votes = 0, both = 0;
  int reduction = 0;
  std::vector<Thread *> waiting;
  std::vector<Thread *> present; ///< waiting or only arrived
  std::vector<uint32_t> warpSites;
  VectorClock published;
  ProxyFences fenced;
};

/// The barrier of a cluster, which is one block: arrivals and waits apart.
struct ClusterBarrier {
  uint32_t arrived = 0;
  uint64_t phase = 0; ///< phases completed
  VectorClock arriving, completed;
  ProxyFences arrivingFenced, completedFenced;
  std::vector<Thread *> waiting;
};

/// Copies into shared memory that report to an mbarrier, until a thread has seen the phase end that they
/// belong to.
struct ReportedCopy {
  const Thread *by;
  uint32_t site;
  uint64_t number; ///< of the block's
  bool hasLanded = false;
  uint64_t phase = 0; ///< in which it has
};

struct Mbarrier {
  uint32_t expected = 0, pending = 0;
  int64_t bytes = 0;   ///< that are still to come in this phase
  uint64_t phase = 0;  ///< phases completed
  uint16_t engine = 0; ///< the agent that stands for copies which report here
  uint16_t initBy = 0; ///< whose initialisation, when and where
  uint32_t initMoment = 0, initSite = 0;
  bool isVisibleToAsyncProxy = false;          ///< a fence has followed the initialisation
  uint32_t moment = 0;                         ///< the engine's clock
  VectorClock arriving, completed;             ///< of this phase, of the phases before
  ProxyFences arrivingFenced, completedFenced; ///< the same
  std::vector<Thread *> waiting;
  std::vector<ReportedCopy> copies; ///< that no thread has waited for, oldest first

  void landed(uint64_t copy) {
    for (ReportedCopy &one : copies)
      if (one.number == copy)
        one.hasLanded = true, one.phase = phase;
  }
};

/// A collective of a warp that not all lanes have reached.
struct Rendezvous {
  uint32_t mask = 0, arrived = 0, site = 0;
};

struct Warp {
  Thread *lanes[kWarpSize] = {};
  uint32_t existing = 0, exited = 0;
  std::vector<Rendezvous> open;
  uint32_t registers = 0;     ///< a thread's, as setmaxnreg has set them; 0: as launched
  uint32_t registerSets = 0;  ///< setmaxnreg so far
  uint32_t registersSite = 0; ///< the last one
  uint32_t registerMoments[kWarpSize] = {}; ///< when, by each lane's clock
};

/// Four warps that multiply together.
struct Warpgroup {
  uint32_t arrived = 0, site = 0;
  uint16_t engine = 0;
  uint32_t moment = 0; ///< products so far
  std::vector<uint32_t> registerSites; ///< of each setmaxnreg that one of its warps has executed
};

/// What a collective does once every lane named in the mask is there.
using Execute = void (*)(Block &, Warp &, uint32_t mask, uint32_t site);

struct Block {
  /// `history`: of global memory; null: it is not checked for races.
  Block(const Launch &launch, const GlobalMemory &memory, uint64_t seed, GlobalHistory *history = nullptr);
  ~Block();

  /// Runs block `number` of the grid to its end or its first fault.
  void run(uint64_t number);

  // The scheduler. A thread that blocks goes on when somebody wakes it.
  void block(Thread &thread, Waiting why, uint64_t what, uint32_t site);
  void wake(Thread &thread);
  /// Lets others run, if there are any.
  void yield(Thread &thread);
  void exit(Thread &thread);
  uint64_t random();

  /// Stops the launch; never returns to the caller. `by` is the thread that did it, `site` its operation.
  /// The thread is in a function, or has got local memory: is there room left on its stack?
  void checkStack(Thread &thread, uint32_t site);
  [[noreturn]] void fault(Thread &by, uint32_t site, std::string name, std::string message,
                          std::optional<uint32_t> otherSite = {}, std::string otherMessage = {});
  [[noreturn]] void stop(Fault fault);
  /// Remembers the first read of what nobody has written: a race if somebody writes it later and nothing
  /// orders the two, else a fault of its own when the block ends or something else is wrong.
  bool hasUninitialised() const { return uninitialised.has_value(); }
  void noteUninitialised(Thread &by, uint32_t site, std::string name, std::string message);
  std::string nameOf(const Thread &thread) const;
  std::string nameOfAgent(unsigned agent) const;
  const Site &siteOf(uint32_t site) const { return (*launch.sites)[site]; }

  /// Joins a warp's collective; when the last lane is there, `execute` runs once for all of them.
  void collective(Thread &thread, uint32_t site, uint32_t mask, const uint64_t *in, uint64_t *out,
                  Execute execute, bool sameInstruction = true);
  /// Everything before now of all these threads comes before everything after now.
  void synchronize(const std::vector<Thread *> &threads);
  void synchronizeAll();

  const Launch &launch;
  const GlobalMemory &memory;
  GlobalHistory *history;
  uint64_t number = 0;     ///< of the running block in the grid
  uint64_t blocksLeft = 0; ///< that begin when this one has ended
  Statistics statistics;
  std::optional<Fault> failure;

  uint32_t base = 0;  ///< moments of threads up to here come before now, for everybody
  uint32_t start = 0; ///< the base when this block began
  unsigned threadCount;
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<Warp> warps;
  std::vector<Warpgroup> warpgroups;
  std::unique_ptr<SharedMemory> shared;
  NamedBarrier barriers[kNamedBarriers];
  ClusterBarrier cluster;
  /// Ends the cluster barrier's phase when no thread that has not exited is missing.
  void finishClusterPhase();
  unsigned live = 0; ///< threads that have not exited
  Thread *current = nullptr;
  std::array<uint32_t, 3> coordinates = {};
  uint64_t progress = 0; ///< counts what cannot be undone, so that spinning is noticed
  uint64_t turns = 0;    ///< of loops that do not count

  std::map<uint64_t, VectorClock> atomics; ///< by address: what the last atomic writes there have released

  /// Work beside the threads (tensor copies), done at moments that the scheduler picks.
  std::vector<std::function<void()>> transfers;
  std::map<uint64_t, Mbarrier> mbarriers;
  uint64_t reportedCopies = 0;
  std::vector<Engine> engines;
  uint16_t newEngine(Engine kind) {
    engines.push_back(kind);
    return warps.size() * kWarpSize + engines.size() - 1;
  }
  bool isEngine(unsigned agent, Engine kind) const {
    return agent >= warps.size() * kWarpSize && engines[agent - warps.size() * kWarpSize] == kind;
  }

  /// The lane that elect.sync picks of a mask, as a bit: the same for a mask in all of a launch.
  uint32_t electedBits(uint32_t mask) const;

  /// What a thread has when the kernel begins, as far as that is known: no more than this.
  uint32_t registersAtLaunch() const;
  /// Registers that the block's warps have, all threads together, and may have.
  uint32_t registersInUse() const;
  uint32_t registersOfBlock() const;
  std::vector<Thread *> waitingForRegisters;

private:
  static void start_();
  Fault makeFault(const Thread &by, uint32_t site, std::string name, std::string message,
                  std::optional<uint32_t> otherSite = {}, std::string otherMessage = {}) const;
  void checkEnd();
  /// A warp that has executed setmaxnreg less often than another of its warpgroup, and exited.
  std::optional<Fault> findUnevenRegisters() const;
  size_t pick();
  void next(Fiber &from);
  void reportDeadlock();
  std::string describeWait(const Thread &thread) const;

  std::shared_ptr<Stacks> stacks;
  Fiber scheduler;
  std::vector<Thread *> ready;
  uint64_t state; ///< of the generator
  const uint64_t electSeed;
  uint64_t spins = 0, spinsProgress = 0;
  std::optional<Fault> uninitialised;
  uint32_t transferRate = 8;  ///< one in so many switches lands a transfer
  bool copiesAreLate = false; ///< in this block
  enum class Order : uint8_t { Uniform, Newest, Low, High } order = Order::Uniform; ///< who runs next, mostly

  friend char *resolveAddress(ThreadContext *, uint64_t, uint32_t, uint32_t);
};

inline Thread &threadOf(ThreadContext *context) { return *static_cast<Thread *>(context); }

/// `[start, start + bytes)` of shared memory must be in bounds and aligned, or the thread faults.
void checkShared(Thread &thread, uint32_t site, uint64_t address, uint32_t bytes, uint32_t alignment,
                 const char *verb);
void checkGlobal(Thread &thread, uint32_t site, uint64_t address, uint32_t bytes, uint32_t alignment,
                 const char *verb);
/// A generic or shared address as one of shared memory.
inline uint64_t toShared(uint64_t address) {
  return address >= kSharedWindow ? address - kSharedWindow : address;
}
std::string hex(uint64_t value);

/// The table that compiled kernels call through.
const ThreadContext::Run *operations();
char *sharedAddress(ThreadContext *, uint64_t address, uint32_t access, uint32_t site);
char *resolveAddress(ThreadContext *, uint64_t address, uint32_t access, uint32_t site);

} // namespace mlora::emulator
