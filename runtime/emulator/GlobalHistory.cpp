#include "GlobalHistory.h"

#include "Block.h"

#include <algorithm>

namespace mlora::emulator {

constexpr uint64_t kCell = 4;
constexpr size_t kMostReads = 8;

/// An atomic load writes nothing.
static bool writes(uint32_t flags) { return flags & (Access::Write | Access::Update); }

/// Whether what a thread of the running block did at a moment comes before now.
static bool isOrdered(const Thread &thread, uint16_t agent, uint32_t moment) {
  const Block &block = *thread.block;
  return agent == thread.index || (moment <= block.base && agent < block.threadCount) ||
         thread.known.at(agent) >= moment;
}

bool GlobalHistory::isKnown(const Thread &thread, const Access &access, const LearnedBlocks &blocks) {
  for (auto at = blocks.lower_bound({access.block, 0}); at != blocks.end() && at->first.first == access.block;
       ++at)
    for (const Learned &one : at->second)
      if (((access.moment <= one.what.base && access.thread < thread.block->threadCount) ||
           one.what.clock.at(access.thread) >= access.moment) &&
          isOrdered(thread, at->first.second, one.moment))
        return true;
  return false;
}

bool GlobalHistory::isBefore(const Thread &thread, const Access &access, bool isStrong) const {
  if (access.block == thread.block->number)
    return isOrdered(thread, access.thread, access.moment);
  return isKnown(thread, access, learned) || (isStrong && isKnown(thread, access, seen));
}

void GlobalHistory::check(Thread &thread, const Access &now, const std::vector<Access> &others,
                          bool otherWrote, uint32_t flags, uint64_t address, uint32_t bytes) const {
  Block &block = *thread.block;
  bool isRead = !writes(flags);
  for (const Access &other : others) {
    bool isSameScope = other.block == block.number || !(other.isOfBlock || now.isOfBlock);
    bool isBenign = (other.isAtomic && now.isAtomic && isSameScope) || (isRead && other.allowsReads) ||
                    (!otherWrote && now.allowsReads);
    if (!(other.mask & now.mask) || isBenign || isBefore(thread, other, isRead && now.isAtomic))
      continue;
    const char *verb = flags & emulator::Access::Update  ? "updates"
                       : flags & emulator::Access::Write ? "writes"
                                                         : "reads";
    bool isHere = other.block == block.number;
    std::string who =
        isHere ? block.nameOfAgent(other.thread) : "a thread of block number " + std::to_string(other.block);
    // A race with an engine is named after the wait that would have ordered the two.
    const char *name = isHere && block.isEngine(other.thread, Engine::StoreWrite)
                           ? "asynchronous copy not waited for"
                           : "global memory race";
    block.fault(thread, now.site, name,
                std::string(verb) + " " + std::to_string(bytes) + (bytes == 1 ? " byte " : " bytes ") +
                    block.memory.describe(address) + " that " + who +
                    (otherWrote ? " has written" : " has read") + ", and nothing orders the two",
                other.site, std::string("the other access, a ") + (otherWrote ? "write" : "read"));
  }
}

void GlobalHistory::checkWritten(Thread &thread, uint64_t at, uint8_t mask, const Cell &cell,
                                 uint64_t address, uint32_t bytes, uint32_t site) const {
  for (auto &[begin, size] : uninitialised) {
    if (at + kCell <= begin || at >= begin + size)
      continue;
    uint8_t written = 0;
    for (const Access &write : cell.writes)
      written |= write.mask;
    if ((mask & ~written) && !thread.block->hasUninitialised())
      thread.block->noteUninitialised(thread, site, "uninitialised global memory",
                                      "reads " + std::to_string(bytes) + (bytes == 1 ? " byte " : " bytes ") +
                                          thread.block->memory.describe(address) +
                                          " that nobody in this launch has written");
  }
}

void GlobalHistory::constantWritten(Thread &thread, const Access &now, const Access &other, uint64_t address,
                                    uint32_t bytes) const {
  Block &block = *thread.block;
  std::string what =
      std::to_string(bytes) + (bytes == 1 ? " byte " : " bytes ") + block.memory.describe(address);
  std::string who = other.block == block.number ? block.nameOfAgent(other.thread)
                                                : "a thread of block number " + std::to_string(other.block);
  const char *kind = "a load of constant data (ld.global.nc: an invariant load, or one of a noalias readonly "
                     "argument)";
  bool isRead = now.isConstant;
  block.fault(thread, now.site, "constant data written",
              isRead ? std::string("is ") + kind + " and reads " + what + " that " + who +
                           " has written in this launch"
                     : "writes " + what + " that " + who + " reads in this launch with " + kind,
              other.site, isRead ? "the write" : "the load");
}

static uint8_t maskOf(uint64_t at, uint64_t address, uint32_t bytes) {
  uint8_t mask = 0;
  for (uint64_t byte = std::max(at, address); byte < std::min(at + kCell, address + bytes); ++byte)
    mask |= 1u << (byte - at);
  return mask;
}

void GlobalHistory::readByAsyncProxy(Thread &thread, uint64_t address, uint32_t bytes, uint32_t site) {
  Block &block = *thread.block;
  static const Cell untouched;
  for (uint64_t at = address / kCell * kCell; at < address + bytes; at += kCell) {
    uint8_t mask = maskOf(at, address, bytes);
    auto found = cells.find(at);
    const Cell &cell = found == cells.end() ? untouched : found->second;
    check(thread, {block.number, thread.clock, site, thread.index, mask, false, true, false}, cell.writes,
          /*otherWrote=*/true, emulator::Access::Read, address, bytes);
    if (!uninitialised.empty())
      checkWritten(thread, at, mask, cell, address, bytes, site);
    for (const Access &write : cell.writes)
      if ((write.mask & mask) && write.block == block.number && !write.isAsyncProxy &&
          thread.fenced.global.at(write.thread) < write.moment)
        block.fault(thread, site, "proxy fence missing",
                    "the async proxy reads " + std::to_string(bytes) + " bytes " +
                        block.memory.describe(address) + " that " +
                        block.nameOf(*block.threads[write.thread]) +
                        " has written with an ordinary store, with no fence.proxy.async (of global memory) "
                        "after the store",
                    write.site, "the store");
  }
}

void GlobalHistory::touch(Thread &thread, uint64_t address, uint32_t bytes, uint32_t flags, uint32_t site) {
  touch(thread, {thread.index, thread.clock}, address, bytes, flags, site);
}

void GlobalHistory::touch(Thread &thread, GlobalAccessor by, uint64_t address, uint32_t bytes, uint32_t flags,
                          uint32_t site) {
  bool isWrite = writes(flags), isAtomic = flags & emulator::Access::Atomic;
  // A compare-and-swap: loops around one begin with an ordinary read.
  bool allowsReads = isAtomic && (flags & emulator::Access::Read);
  for (uint64_t at = address / kCell * kCell; at < address + bytes; at += kCell) {
    uint8_t mask = maskOf(at, address, bytes);
    Access now{thread.block->number,
               by.moment,
               site,
               by.agent,
               mask,
               isAtomic,
               by.isAsyncProxy,
               allowsReads,
               bool(flags & emulator::Access::OfBlock),
               bool(flags & emulator::Access::Constant)};
    Cell &cell = cells[at];
    if (now.isConstant) {
      for (const Access &write : cell.writes)
        if (write.mask & mask)
          constantWritten(thread, now, write, address, bytes);
      constants.try_emplace(at, now).first->second.mask |= mask;
    } else if (isWrite && !constants.empty()) {
      if (auto found = constants.find(at); found != constants.end() && (found->second.mask & mask))
        constantWritten(thread, now, found->second, address, bytes);
    }
    if (!uninitialised.empty() && (!isWrite || (flags & emulator::Access::Update)))
      checkWritten(thread, at, mask, cell, address, bytes, site);
    check(thread, now, cell.writes, /*otherWrote=*/true, flags, address, bytes);
    if (isWrite)
      check(thread, now, cell.reads, /*otherWrote=*/false, flags, address, bytes);
    auto covered = [&](const Access &old) { return (old.mask & ~mask) == 0; };
    if (isWrite) { // what it covers has been checked against
      std::erase_if(cell.writes, covered);
      std::erase_if(cell.reads, covered);
      cell.writes.push_back(now);
      continue;
    }
    std::erase_if(cell.reads, [&](const Access &old) {
      return covered(old) && old.block == now.block && old.thread == now.thread &&
             old.isAtomic == now.isAtomic;
    });
    if (cell.reads.size() == kMostReads)
      cell.reads.erase(cell.reads.begin());
    cell.reads.push_back(now);
  }
}

static void merge(Released &into, const Released &from) {
  into.clock.join(from.clock);
  into.base = std::max(into.base, from.base);
}

void GlobalHistory::learn(LearnedBlocks &blocks, const Thread &thread, uint64_t number,
                          const Released &what) {
  std::vector<Learned> &steps = blocks[{number, thread.index}];
  if (steps.empty()) {
    steps.push_back({thread.clock, what});
    return;
  }
  const Learned &last = steps.back();
  if (last.what.base >= what.base && last.what.clock.covers(what.clock))
    return;
  Learned next{thread.clock, last.what};
  merge(next.what, what);
  if (last.moment == next.moment)
    steps.back() = std::move(next);
  else
    steps.push_back(std::move(next));
}

void GlobalHistory::afterAtomic(Thread &thread, uint64_t address, bool reads, bool writes, bool acquires,
                                const Released &released) {
  ReleasedBlocks &here = shown[address];
  if (reads)
    for (auto &[number, what] : here)
      if (number != thread.block->number)
        learn(acquires ? learned : seen, thread, number, what);
  if (!writes)
    return;
  if (!reads) // a store ends what others have released there
    here.clear();
  if (!released.clock)
    return;
  merge(here[thread.block->number], released);
  for (auto &[by, steps] : learned)
    for (const Learned &one : steps)
      if (isOrdered(thread, by.second, one.moment))
        merge(here[by.first], one.what);
}

void GlobalHistory::afterFence(Thread &thread) {
  // Of other threads as well, where a barrier orders their reads: one thread asks, and all of its block
  // fence.
  for (auto &[by, steps] : seen)
    for (const Learned &one : steps)
      if (isOrdered(thread, by.second, one.moment))
        learn(learned, thread, by.first, one.what);
}

} // namespace mlora::emulator
