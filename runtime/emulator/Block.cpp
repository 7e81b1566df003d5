#include "Block.h"

#include <algorithm>
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

void finishStores(Thread &thread); // Tensor.cpp

static unsigned threadsOf(const Launch &launch) {
  return launch.block[0] * launch.block[1] * launch.block[2];
}

Block::Block(const Launch &launch, const GlobalMemory &memory, uint64_t seed)
    : launch(launch), memory(memory), threadCount(threadsOf(launch)),
      warps((threadCount + kWarpSize - 1) / kWarpSize),
      shared(std::make_unique<SharedMemory>(*this, launch.staticSharedBytes + launch.dynamicSharedBytes)),
      stacks(Stacks::get(threadCount)), state(seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du) {
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
  coordinates = {uint32_t(number % launch.grid[0]), uint32_t(number / launch.grid[0] % launch.grid[1]),
                 uint32_t(number / launch.grid[0] / launch.grid[1])};
  shared->reset();
  transfers.clear();
  mbarriers.clear();
  engineCount = 0;
  for (NamedBarrier &barrier : barriers)
    barrier = {};
  for (Warp &warp : warps)
    warp.exited = 0, warp.open.clear();
  warpgroups.assign((warps.size() + 3) / 4, {});
  start = base;
  ready.clear();
  for (auto &thread : threads) {
    setRegisters(*thread, launch, coordinates);
    thread->fiber = stacks->prepare(thread->index, start_);
    thread->waiting = Waiting::No;
    thread->atBarriers = 0;
    thread->clock = base + 1;
    thread->known = thread->fenced = {};
    thread->copies.clear();
    thread->stores.clear();
    thread->wgmmaGroups.clear();
    thread->hasWgmmaFence = false;
    ready.push_back(thread.get());
  }
  live = threadCount;
  next(scheduler); // comes back when all threads are done, or one has failed
  for (auto &thread : threads) {
    base = std::max(base, thread->clock);
    if (!failure)
      finishStores(*thread);
  }
}

void Block::next(Fiber &from) {
  ++statistics.switches;
  while (!transfers.empty() && (ready.empty() || random() % 8 == 0)) {
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
  size_t pick = random() % ready.size();
  std::swap(ready[pick], ready.back());
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
  ++progress;
  for (const Rendezvous &open : warp.open)
    if (open.mask >> thread.lane & 1)
      fault(thread, open.site, "divergent warp collective",
            "has exited, while other lanes of its warp wait for it at " + siteOf(open.site).operation +
                " (mask " + hex(open.mask) + ")");
  next(thread.fiber);
  __builtin_unreachable();
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

void Block::fault(Thread &by, uint32_t site, std::string name, std::string message,
                  std::optional<uint32_t> otherSite, std::string otherMessage) {
  auto text = [](const std::array<uint32_t, 3> &at) {
    return "(" + std::to_string(at[0]) + ", " + std::to_string(at[1]) + ", " + std::to_string(at[2]) + ")";
  };
  failure = Fault{std::move(name),
                  launch.kernel + ", block " + text(coordinates) + ", " + nameOf(by) + ", " +
                      siteOf(site).operation + ": " + std::move(message),
                  site, otherSite, std::move(otherMessage)};
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
  case Waiting::Done:
    return "has exited";
  case Waiting::No:
    return "spins";
  }
  return {};
}

/// Nobody can go on: says who waits for what, once for each way of waiting.
void Block::reportDeadlock() {
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
  Thread *blamed = nullptr;
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
    if (why != Waiting::Done && why != Waiting::No) {
      const Site &site = siteOf(std::get<2>(key));
      message += " (" + site.operation + (site.location.empty() ? "" : " at " + site.location) + ")";
    }
  }
  if (!blamed) {
    blamed = threads[0].get();
    message += "; nothing that they look at changes any more";
  }
  const char *name = inWarp                    ? "divergent warp collective"
                     : atBarrier && someExited ? "barrier not reached by all threads"
                                               : "deadlock";
  fault(*blamed, blamed->waitSite, name, std::move(message));
}

void Block::synchronizeAll() {
  VectorClock engines, allFenced;
  uint32_t latest = base;
  for (auto &thread : threads) {
    latest = std::max(latest, thread->clock);
    if (engineCount)
      engines.join(thread->known);
    allFenced.join(thread->fenced);
  }
  base = latest;
  for (auto &thread : threads) {
    thread->clock = base + 1;
    thread->known = engines;
    thread->fenced = allFenced;
  }
}

void Block::synchronize(const std::vector<Thread *> &group) {
  VectorClock all, allFenced;
  for (Thread *thread : group) {
    all.join(thread->known);
    allFenced.join(thread->fenced);
  }
  for (Thread *thread : group)
    all.raise(thread->index, thread->clock++);
  for (Thread *thread : group) {
    thread->known = all;
    thread->fenced = allFenced;
  }
}

std::optional<Fault> run(const Launch &launch, const GlobalMemory &memory, uint64_t seed,
                         Statistics *statistics) {
  Block block(launch, memory, seed);
  std::vector<uint64_t> order(uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2]);
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[block.random() % i]);
  for (uint64_t number : order) {
    block.run(number);
    if (block.failure)
      break;
  }
  if (statistics)
    *statistics = block.statistics;
  return block.failure;
}

} // namespace mlora::emulator
