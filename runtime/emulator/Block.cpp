#include "Block.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace mlora::emulator {

constexpr uint64_t kMostSpins = uint64_t(1) << 22;

std::string hex(uint64_t value) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  do
    text.insert(text.begin(), digits[value % 16]);
  while (value /= 16);
  return "0x" + text;
}

// BulkCopies.cpp
void finishStores(Thread &thread);
const StoreCopy *findUnreadStore(const Thread &thread);

static unsigned threadsOf(const Launch &launch) {
  return launch.block[0] * launch.block[1] * launch.block[2];
}

Block::Block(const Launch &launch, const GlobalMemory &memory, uint64_t seed, GlobalHistory *history)
    : launch(launch), memory(memory), history(history), threadCount(threadsOf(launch)),
      warps((threadCount + kWarpSize - 1) / kWarpSize),
      shared(std::make_unique<SharedMemory>(*this, launch.staticSharedBytes + launch.dynamicSharedBytes,
                                            launch.sharedGaps)),
      stacks(Stacks::get(threadCount, 2 * size_t(launch.localBytes))),
      state(seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du), electSeed(state) {
  for (unsigned i = 0; i < threadCount; ++i) {
    threads.push_back(std::make_unique<Thread>());
    Thread &thread = *threads.back();
    thread.block = this;
    thread.index = i;
    thread.lane = i % kWarpSize;
    thread.warp = i / kWarpSize;
    thread.operations = emulator::operations();
    thread.parameters = launch.parameters.data();
    thread.ThreadContext::shared = sharedAddress;
    thread.resolve = resolveAddress;
    thread.globalBase = memory.base();
    thread.globalBytes = memory.bytes();
    if (history) { // nothing is in the arena, as far as the check in line knows: the machine sees every
                   // access
      thread.globalBase = uint64_t(1) << 62;
      thread.globalBytes = uint64_t(1) << 16;
    }
    thread.globalShadow = memory.shadow();
    warps[thread.warp].lanes[thread.lane] = &thread;
    warps[thread.warp].existing |= 1u << thread.lane;
  }
}

Block::~Block() = default;

uint64_t Block::random() { // xorshift*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1du;
}

uint32_t Block::electedBits(uint32_t mask) const {
  uint64_t mixed = (electSeed ^ mask) * 0x9e3779b97f4a7c15u;
  for (unsigned skipped = (mixed >> 40) % std::popcount(mask); skipped > 0; --skipped)
    mask &= mask - 1;
  return mask & -mask;
}

static void setRegisters(Thread &thread, const Launch &launch, const std::array<uint32_t, 3> &at) {
  auto set = [&](SpecialRegister which, uint32_t value) { thread.registers[uint32_t(which)] = value; };
  uint32_t x = launch.block[0], y = launch.block[1], lane = thread.lane;
  set(SpecialRegister::TidX, thread.index % x);
  set(SpecialRegister::TidY, thread.index / x % y);
  set(SpecialRegister::TidZ, thread.index / (x * y));
  for (uint32_t i = 0; i < 3; ++i) {
    set(SpecialRegister(uint32_t(SpecialRegister::CtaidX) + i), at[i]);
    set(SpecialRegister(uint32_t(SpecialRegister::NtidX) + i), launch.block[i]);
    set(SpecialRegister(uint32_t(SpecialRegister::NctaidX) + i), launch.grid[i]);
  }
  set(SpecialRegister::LaneId, lane);
  set(SpecialRegister::WarpId, thread.warp);
  set(SpecialRegister::NWarpId, (x * y * launch.block[2] + kWarpSize - 1) / kWarpSize);
  set(SpecialRegister::WarpSize, kWarpSize);
  set(SpecialRegister::SmId, 0);
  set(SpecialRegister::NSmId, 1);
  uint32_t equal = 1u << lane, less = equal - 1;
  set(SpecialRegister::LaneMaskEq, equal);
  set(SpecialRegister::LaneMaskLt, less);
  set(SpecialRegister::LaneMaskLe, less | equal);
  set(SpecialRegister::LaneMaskGe, ~less);
  set(SpecialRegister::LaneMaskGt, ~(less | equal));
  set(SpecialRegister::DynamicSharedBytes, launch.dynamicSharedBytes);
  set(SpecialRegister::TotalSharedBytes, launch.staticSharedBytes + launch.dynamicSharedBytes);
}

/// The thread whose fiber starts; a fiber's first function has no arguments.
static thread_local Block *running = nullptr;

void Block::start_() {
  Thread &thread = *running->current;
  running->launch.entry(&thread);
  running->exit(thread);
}

void Block::run(uint64_t number) {
  running = this;
  this->number = number;
  if (history)
    history->enterBlock();
  coordinates = {uint32_t(number % launch.grid[0]), uint32_t(number / launch.grid[0] % launch.grid[1]),
                 uint32_t(number / launch.grid[0] / launch.grid[1])};
  shared->reset();
  transfers.clear();
  mbarriers.clear();
  atomics.clear();
  engines.clear();
  uninitialised.reset();
  waitingForRegisters.clear();
  order = Order(random() % 4);
  copiesAreLate = random() % 4 == 0;
  for (NamedBarrier &barrier : barriers)
    barrier = {};
  cluster = {};
  for (Warp &warp : warps)
    warp.exited = warp.registers = warp.registerSets = 0, warp.open.clear();
  warpgroups.assign((warps.size() + 3) / 4, {});
  start = base;
  ready.clear();
  for (auto &thread : threads) {
    setRegisters(*thread, launch, coordinates);
    thread->fiber = stacks->prepare(thread->index, start_);
    thread->waiting = Waiting::No;
    thread->globalLook = {};
    thread->atBarriers = 0;
    thread->clusterPhases = 0;
    thread->atCluster = false;
    thread->clock = base + 1;
    thread->known = thread->acquired = {};
    thread->fenced = {};
    thread->released = thread->releasedToAll = {};
    thread->copies.clear();
    thread->stores.clear();
    thread->storeGroups.clear();
    thread->storeEngine = thread->storeWriter = 0;
    thread->storeMoment = 0;
    thread->wgmmaGroups.clear();
    thread->wgmmaRead.clear();
    thread->wgmmaWaited = false;
    thread->wgmmaMoment = thread->wgmmaRetired = thread->wgmmaFences = thread->wgmmaAccumulators = 0;
    thread->locals.clear();
    ready.push_back(thread.get());
  }
  live = threadCount;
  next(scheduler); // comes back when all threads are done, or one has failed
  for (auto &thread : threads) {
    base = std::max(base, thread->clock);
    if (!failure)
      finishStores(*thread);
  }
  if (!failure)
    checkEnd();
}

/// What shows only when all is done.
void Block::checkEnd() {
  if (uninitialised) {
    failure = std::move(uninitialised);
    return;
  }
  for (auto &[address, barrier] : mbarriers)
    if (!barrier.copies.empty()) {
      const ReportedCopy &copy = barrier.copies.front();
      failure = makeFault(*copy.by, copy.site, "asynchronous copy not waited for",
                          "the block has ended, and no thread has waited at the mbarrier at " + hex(address) +
                              " for this copy to shared memory");
      return;
    }
  if (!failure)
    failure = findUnevenRegisters();
}

std::optional<Fault> Block::findUnevenRegisters() const {
  for (size_t i = 0; i < warps.size(); ++i) {
    const Warp &first = warps[i / 4 * 4], &warp = warps[i];
    if (warp.registerSets == first.registerSets)
      continue;
    const Warp &more = warp.registerSets > first.registerSets ? warp : first,
               &less = &more == &warp ? first : warp;
    if (less.exited != less.existing)
      continue;
    return makeFault(*less.lanes[0], more.registersSite, "divergent warp collective",
                     "its warp has executed setmaxnreg " + std::to_string(less.registerSets) +
                         " times, and another warp of its warpgroup " + std::to_string(more.registerSets) +
                         " times; all warps of a warpgroup must execute it");
  }
  return {};
}

/// The number in `ready` of who runs next. Orders differ from seed to seed, so that threads which run far
/// ahead or fall far behind are tried as well.
size_t Block::pick() {
  size_t chosen = random() % ready.size();
  switch (order) {
  case Order::Uniform:
    break;
  case Order::Newest:
    return random() % 8 ? ready.size() - 1 : chosen;
  case Order::Low:
  case Order::High:
    if (random() % 4 == 0) // so that one behind hundreds that spin comes to run
      break;
    for (int i = 0; i < 2; ++i) {
      size_t other = random() % ready.size();
      if ((ready[other]->index < ready[chosen]->index) == (order == Order::Low))
        chosen = other;
    }
    break;
  }
  return chosen;
}

void Block::next(Fiber &from) {
  if (statistics.switches++ % 64 == 0) {
    // Late ones let others go through several steps: nothing says in which order copies land. Not for ever, since
    // threads that spin for one are always ready.
    static const uint32_t rates[] = {1, 2, 8, 32}, late = 4096;
    transferRate = copiesAreLate ? late : rates[random() % 4];
  }
  while (!transfers.empty() && (ready.empty() || random() % transferRate == 0)) {
    size_t pick = random() % transfers.size();
    std::function<void()> transfer = std::move(transfers[pick]);
    transfers.erase(transfers.begin() + pick);
    ++progress;
    transfer();
  }
  if (ready.empty()) {
    if (live)
      reportDeadlock();
    if (&from != &scheduler)
      switchTo(from, scheduler);
    return;
  }
  std::swap(ready[pick()], ready.back());
  Thread &thread = *ready.back();
  ready.pop_back();
  Thread *self = current;
  current = &thread;
  if (&thread.fiber != &from)
    switchTo(from, thread.fiber);
  if (&from != &scheduler)
    current = self;
}

void Block::block(Thread &thread, Waiting why, uint64_t what, uint32_t site) {
  thread.waiting = why;
  thread.waitFor = what;
  thread.waitSite = site;
  next(thread.fiber);
  current = &thread;
}

void Block::wake(Thread &thread) {
  thread.waiting = Waiting::No;
  ready.push_back(&thread);
  ++progress;
}

void Block::yield(Thread &thread) {
  if (progress != spinsProgress)
    spinsProgress = progress, spins = 0;
  else if (++spins > kMostSpins)
    reportDeadlock();
  ready.push_back(&thread);
  next(thread.fiber);
  current = &thread;
}

void Block::exit(Thread &thread) {
  Warp &warp = warps[thread.warp];
  warp.exited |= 1u << thread.lane;
  thread.waiting = Waiting::Done;
  --live;
  if (thread.atCluster && thread.clusterPhases > cluster.phase)
    --cluster.arrived;
  finishClusterPhase();
  ++progress;
  for (const Rendezvous &open : warp.open)
    if (open.mask >> thread.lane & 1)
      fault(thread, open.site, "divergent warp collective",
            "has exited, while other lanes of its warp wait for it at " + siteOf(open.site).operation +
                " (mask " + hex(open.mask) + ")");
  if (const AsyncCopy *copy = thread.copies.first())
    fault(thread, copy->site, "asynchronous copy not waited for",
          "has exited, and has not waited (cp.async.wait_group) for this copy to shared memory");
  if (const StoreCopy *store = findUnreadStore(thread))
    fault(
        thread, store->site, "asynchronous copy not waited for",
        "has exited, and has not waited (cp.async.bulk.commit_group and wait_group) until this copy has read "
        "its source in shared memory");
  next(thread.fiber);
  __builtin_unreachable();
}

void Block::checkStack(Thread &thread, uint32_t site) {
  constexpr std::ptrdiff_t room = 32 << 10; // for the machine itself
  char here;
  if (&here - stacks->end(thread.index) < room)
    fault(thread, site, "stack overflow",
          "calls itself too often, or allocates local memory again and again, which lasts until its function "
          "returns");
}

std::string Block::nameOf(const Thread &thread) const {
  auto at = [&](SpecialRegister which) { return std::to_string(thread.registers[uint32_t(which)]); };
  return "thread (" + at(SpecialRegister::TidX) + ", " + at(SpecialRegister::TidY) + ", " +
         at(SpecialRegister::TidZ) + ")";
}

std::string Block::nameOfAgent(unsigned agent) const {
  if (agent < threadCount)
    return nameOf(*threads[agent]);
  return "an engine that copies or multiplies beside the threads";
}

Fault Block::makeFault(const Thread &by, uint32_t site, std::string name, std::string message,
                       std::optional<uint32_t> otherSite, std::string otherMessage) const {
  auto text = [](const std::array<uint32_t, 3> &at) {
    return "(" + std::to_string(at[0]) + ", " + std::to_string(at[1]) + ", " + std::to_string(at[2]) + ")";
  };
  return {std::move(name),
          launch.kernel + ", block " + text(coordinates) + ", " + nameOf(by) + ", " + siteOf(site).operation +
              ": " + std::move(message),
          site, otherSite, std::move(otherMessage)};
}

void Block::noteUninitialised(Thread &by, uint32_t site, std::string name, std::string message) {
  uninitialised = makeFault(by, site, std::move(name), std::move(message));
}

void Block::fault(Thread &by, uint32_t site, std::string name, std::string message,
                  std::optional<uint32_t> otherSite, std::string otherMessage) {
  // What follows from a value that nobody wrote is not what is wrong; the write that comes too late is.
  bool isOrder = name == "shared memory race" || name == "global memory race" ||
                 name == "asynchronous copy not waited for";
  failure = uninitialised && !isOrder ? *uninitialised
                                      : makeFault(by, site, std::move(name), std::move(message), otherSite,
                                                  std::move(otherMessage));
  stop(std::move(*failure));
}

void Block::stop(Fault fault) {
  failure = std::move(fault);
  Fiber abandoned; // stacks hold nothing that must be destroyed: compiled code has no destructors
  switchTo(abandoned, scheduler);
  __builtin_unreachable();
}

std::string Block::describeWait(const Thread &thread) const {
  switch (thread.waiting) {
  case Waiting::Barrier: {
    const NamedBarrier &barrier = barriers[thread.waitFor];
    return "waits at barrier " + std::to_string(thread.waitFor) + ", which " +
           std::to_string(barrier.arrived) + " of " + std::to_string(barrier.expected) +
           " threads have reached";
  }
  case Waiting::Cluster:
    return "waits at the cluster's barrier, where " + std::to_string(cluster.arrived) + " of " +
           std::to_string(live) + " threads have arrived";
  case Waiting::Warp:
    return "waits in a collective of its warp with mask " + hex(thread.waitFor);
  case Waiting::Warpgroup:
    return "waits for the other warps of its warpgroup";
  case Waiting::Mbarrier: {
    auto found = mbarriers.find(thread.waitFor);
    if (found == mbarriers.end())
      return "waits for an mbarrier that is gone";
    const Mbarrier &barrier = found->second;
    return "waits for the mbarrier at " + hex(thread.waitFor) + ", in whose phase " +
           std::to_string(barrier.phase) + " (parity " + std::to_string(barrier.phase & 1) + ") " +
           std::to_string(barrier.pending) + " of " + std::to_string(barrier.expected) + " arrivals and " +
           std::to_string(barrier.bytes) + " bytes are missing";
  }
  case Waiting::Registers:
    return "waits for " + std::to_string(thread.waitFor) +
           " registers a thread, of which the block's warps have " + std::to_string(registersInUse()) +
           " of " + std::to_string(registersOfBlock());
  case Waiting::Done:
    return "has exited";
  case Waiting::No:
    return "spins";
  }
  return {};
}

/// Nobody can go on: says who waits for what, once for each way of waiting.
void Block::reportDeadlock() {
  if (std::optional<Fault> uneven = findUnevenRegisters())
    stop(std::move(*uneven));
  struct Group {
    Thread *first;
    unsigned count;
  };
  std::map<std::tuple<Waiting, uint64_t, uint32_t>, Group> groups;
  for (auto &thread : threads) {
    bool isDone = thread->waiting == Waiting::Done;
    auto key = std::tuple(thread->waiting, isDone ? 0 : thread->waitFor,
                          isDone || thread->canRun() ? 0 : thread->waitSite);
    auto [at, isNew] = groups.try_emplace(key, Group{thread.get(), 0});
    ++at->second.count;
  }
  bool inWarp = false, atBarrier = false, someExited = false;
  Thread *blamed = nullptr, *spinning = nullptr;
  for (auto &thread : threads)
    if (!spinning && thread->canRun())
      spinning = thread.get();
  std::string message;
  for (auto &[key, group] : groups) {
    Waiting why = std::get<0>(key);
    inWarp |= why == Waiting::Warp;
    atBarrier |= why == Waiting::Barrier;
    someExited |= why == Waiting::Done;
    if (why != Waiting::Done && why != Waiting::No &&
        (!blamed || (why == Waiting::Warp && blamed->waiting != why)))
      blamed = group.first;
    message += (message.empty() ? "no thread can go on: " : "; ") + nameOf(*group.first);
    if (group.count > 1)
      message += " and " + std::to_string(group.count - 1) + " more";
    message += " " + describeWait(*group.first);
    if (why != Waiting::Done && (why != Waiting::No || group.first == spinning)) {
      const Site &site = siteOf(group.first->waitSite);
      message += " (" + site.operation + (site.location.empty() ? "" : " at " + site.location) + ")";
    }
  }
  if (!blamed) {
    blamed = spinning;
    message += "; nothing that they look at changes any more";
  }
  // Lanes that wait for one which waits elsewhere, or a barrier for threads without registers, are not the
  // cause.
  for (auto &thread : threads) {
    Waiting why = thread->waiting;
    bool isCause =
        why == Waiting::Registers ||
        (why == Waiting::Mbarrier && blamed->waiting == Waiting::Warp && thread->warp == blamed->warp);
    if (isCause && blamed->waiting != Waiting::Registers) {
      blamed = thread.get();
      inWarp = atBarrier = false;
    }
  }
  // A thread that looks at global memory for what a block does that has not begun.
  for (auto &thread : threads)
    if (blocksLeft && thread->canRun() && thread->globalLook) {
      blamed = thread.get();
      blamed->waitSite = *thread->globalLook;
      inWarp = atBarrier = false;
      message += "; the emulator runs the blocks of a grid one after another, and " +
                 std::to_string(blocksLeft) + " of them have not begun: " + nameOf(*blamed) +
                 " must not wait in global memory for what another block does, unless that one is sure to "
                 "have begun before";
      break;
    }
  const char *name = inWarp                    ? "divergent warp collective"
                     : atBarrier && someExited ? "barrier not reached by all threads"
                                               : "deadlock";
  fault(*blamed, blamed->waitSite, name, std::move(message));
}

/// What ptxas gives a thread is not known here: the most that lets the block run, where the kernel states
/// nothing.
uint32_t Block::registersAtLaunch() const {
  if (launch.registers)
    return launch.registers;
  return std::min<uint32_t>(256, kRegisters / (warps.size() * kWarpSize) / 8 * 8);
}

/// setmaxnreg only moves registers between the warps of a block.
uint32_t Block::registersOfBlock() const {
  return launch.registers ? registersAtLaunch() * warps.size() * kWarpSize : kRegisters;
}

uint32_t Block::registersInUse() const {
  uint32_t sum = 0;
  for (const Warp &warp : warps)
    sum += (warp.registers ? warp.registers : registersAtLaunch()) * kWarpSize;
  return sum;
}

static void add(Released &to, const Released &from) {
  to.clock.join(from.clock);
  to.base = std::max(to.base, from.base);
}

void Block::synchronizeAll() {
  VectorClock ofEngines;
  ProxyFences allFenced;
  Released released, releasedToAll; // the fences of all, for an atomic of one
  uint32_t latest = base;
  for (auto &thread : threads) {
    latest = std::max(latest, thread->clock);
    if (!engines.empty())
      ofEngines.join(thread->known);
    allFenced.join(thread->fenced);
    add(released, thread->released);
    add(releasedToAll, thread->releasedToAll);
  }
  base = latest;
  for (auto &thread : threads) {
    thread->clock = base + 1;
    thread->known = ofEngines;
    thread->fenced = allFenced;
    thread->released = released;
    thread->releasedToAll = releasedToAll;
  }
}

void Block::synchronize(const std::vector<Thread *> &group) {
  VectorClock all;
  ProxyFences allFenced;
  Released released, releasedToAll; // the fences of all, for an atomic of one
  for (Thread *thread : group) {
    all.join(thread->known);
    allFenced.join(thread->fenced);
    add(released, thread->released);
    add(releasedToAll, thread->releasedToAll);
  }
  for (Thread *thread : group)
    all.raise(thread->index, thread->clock++);
  for (Thread *thread : group) {
    thread->known = all;
    thread->fenced = allFenced;
    thread->released = released;
    thread->releasedToAll = releasedToAll;
  }
}

std::optional<Fault> run(const Launch &launch, const GlobalMemory &memory, uint64_t seed,
                         Statistics *statistics) {
  GlobalHistory history(launch.uninitialised);
  Block block(launch, memory, seed, launch.checksGlobalRaces ? &history : nullptr);
  std::vector<uint64_t> order(uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2]);
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[block.random() % i]);
  block.blocksLeft = order.size();
  for (uint64_t number : order) {
    --block.blocksLeft;
    block.run(number);
    if (block.failure)
      break;
  }
  if (statistics)
    *statistics = block.statistics;
  return block.failure;
}

} // namespace mlora::emulator
