#include "GlobalHistory.h"

#include "Block.h"

#include <algorithm>

namespace mlora::emulator {

constexpr uint64_t kCell = 4;
constexpr size_t kMostReads = 8;

bool GlobalHistory::isBefore(const Thread &thread, const Access &access) const {
  const Block &block = *thread.block;
  if (access.block == block.number)
    return access.thread == thread.index || access.moment <= block.base ||
           thread.known.at(access.thread) >= access.moment;
  auto known = learned.find(access.block);
  return known != learned.end() &&
         (access.moment <= known->second.base || known->second.clock.at(access.thread) >= access.moment);
}

void GlobalHistory::check(Thread &thread, const Access &now, const std::vector<Access> &others,
                          bool otherWrote, uint32_t flags, uint64_t address, uint32_t bytes) const {
  Block &block = *thread.block;
  for (const Access &other : others) {
    bool isRead = !(flags & (emulator::Access::Write | emulator::Access::Atomic));
    bool isBenign = (other.isAtomic && now.isAtomic) || (isRead && other.allowsReads) ||
                    (!otherWrote && now.allowsReads);
    if (!(other.mask & now.mask) || isBenign || isBefore(thread, other))
      continue;
    const char *verb = flags & emulator::Access::Atomic  ? "updates"
                       : flags & emulator::Access::Write ? "writes"
                                                         : "reads";
    std::string who = other.block == block.number ? block.nameOf(*block.threads[other.thread])
                                                  : "a thread of block number " + std::to_string(other.block);
    block.fault(thread, now.site, "global memory race",
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

void GlobalHistory::touch(Thread &thread, uint64_t address, uint32_t bytes, uint32_t flags, uint32_t site,
                          bool isAsyncProxy) {
  bool writes = flags & (emulator::Access::Write | emulator::Access::Atomic),
       isAtomic = flags & emulator::Access::Atomic;
  // A load, or a compare-and-swap: loops around one begin with an ordinary read.
  bool allowsReads = isAtomic && (flags & emulator::Access::Read);
  for (uint64_t at = address / kCell * kCell; at < address + bytes; at += kCell) {
    uint8_t mask = maskOf(at, address, bytes);
    Access now{thread.block->number, thread.clock, site, thread.index, mask, isAtomic, isAsyncProxy,
               allowsReads};
    Cell &cell = cells[at];
    if (!uninitialised.empty() && (!writes || (flags & emulator::Access::Update)))
      checkWritten(thread, at, mask, cell, address, bytes, site);
    check(thread, now, cell.writes, /*otherWrote=*/true, flags, address, bytes);
    if (writes)
      check(thread, now, cell.reads, /*otherWrote=*/false, flags, address, bytes);
    auto covered = [&](const Access &old) { return (old.mask & ~mask) == 0; };
    if (writes) { // what it covers has been checked against
      std::erase_if(cell.writes, covered);
      std::erase_if(cell.reads, covered);
      cell.writes.push_back(now);
      continue;
    }
    std::erase_if(cell.reads, [&](const Access &old) {
      return covered(old) && old.block == now.block && old.thread == now.thread;
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

void GlobalHistory::afterAtomic(Thread &thread, uint64_t address, bool reads, bool writes,
                                const Released &released) {
  ReleasedBlocks &here = shown[address];
  if (reads)
    for (auto &[number, what] : here)
      merge(learned[number], what);
  if (!writes)
    return;
  if (!reads) // a store ends what others have released there
    here.clear();
  if (!released.clock)
    return;
  merge(here[thread.block->number], released);
  for (auto &[number, what] : learned)
    merge(here[number], what);
}

} // namespace mlora::emulator
