#include "SharedMemory.h"

#include "Block.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mlora::emulator {

static uint32_t bytesOf(const std::vector<SharedGap> &gaps) {
  uint32_t bytes = 0;
  for (const SharedGap &gap : gaps)
    bytes += gap.bytes;
  return bytes;
}

SharedMemory::SharedMemory(Block &block, uint32_t bytes, std::vector<SharedGap> between)
    : block(block), gaps(std::move(between)), usable(bytes), bytes_(bytes + bytesOf(gaps)),
      memory((bytes_ + 15) / 16 * 16 + 16), cells(memory.size()), widths(memory.size() / 16, 16) {}

void SharedMemory::reset() {
  std::fill(memory.begin(), memory.end(), char(kPoison));
  sets.clear();
  freeSets.clear();
  if (++era == 0) { // eras are used up
    std::fill(cells.begin(), cells.end(), Cell{});
    era = 1;
  }
}

bool SharedMemory::isBefore(const Accessor &by, uint16_t agent, uint32_t moment) const {
  return agent == by.agent || (agent < block.threadCount && moment <= block.base) ||
         by.known->at(agent) >= moment;
}

static const char *verb(uint32_t flags) {
  return flags & Access::Update ? "updates" : flags & Access::Write ? "writes" : "reads";
}

/// An atomic load writes nothing, an atomic store reads nothing.
static bool writes(uint32_t flags) { return flags & (Access::Write | Access::Update); }
static bool reads(uint32_t flags) { return flags & (Access::Read | Access::Update); }

static std::string bytesAt(uint32_t bytes, uint64_t address) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes") + " of shared memory at " + hex(address);
}

void SharedMemory::race(const Touch &touch, const Cell &cell, uint16_t other, bool otherWrote) {
  bool isCopy = touch.by.isAsyncProxy && (touch.flags & Access::Write);
  // A race with an engine is named after the wait that would have ordered the two.
  const char *name =
      otherWrote && !isCopy && block.isEngine(other, Engine::Copy) ? "asynchronous copy not waited for"
      : !otherWrote && block.isEngine(other, Engine::Store)   ? "source of an asynchronous copy overwritten"
      : !otherWrote && isCopy && (cell.flags & ReadUnwritten) ? "asynchronous copy not waited for"
                                                              : "shared memory race";
  uint32_t otherSite = otherWrote ? cell.writeSite : cell.readSite;
  block.fault(*touch.by.thread, touch.site, name,
              std::string(verb(touch.flags)) + " " + bytesAt(touch.bytes, touch.address) + " that " +
                  block.nameOfAgent(other) + (otherWrote ? " has written" : " has read") +
                  ", and nothing orders the two",
              otherSite, std::string("the other access, a ") + (otherWrote ? "write" : "read"));
}

void SharedMemory::checkUsable(const Touch &touch, const Cell &cell) {
  if (cell.flags & Pending)
    block.fault(*touch.by.thread, touch.site, "asynchronous copy not waited for",
                std::string(verb(touch.flags)) + " " + bytesAt(touch.bytes, touch.address) +
                    " that an asynchronous copy of " + block.nameOfAgent(cell.writer) + " may still write",
                cell.writeSite, "the copy");
  if (cell.flags & Opaque)
    block.fault(*touch.by.thread, touch.site, "mbarrier used as memory",
                std::string(verb(touch.flags)) + " " + bytesAt(touch.bytes, touch.address) +
                    ", where an mbarrier is",
                cell.writeSite, "the mbarrier's initialisation");
}

void SharedMemory::checkWriter(const Touch &touch, Cell &cell) {
  if (!(cell.flags & Written)) {
    if (reads(touch.flags)) {
      cell.flags |= ReadUnwritten;
      if (!block.hasUninitialised())
        block.noteUninitialised(*touch.by.thread, touch.site, "uninitialised shared memory",
                                std::string(verb(touch.flags)) + " " + bytesAt(touch.bytes, touch.address) +
                                    " that nobody in this block has written");
    }
    return;
  }
  bool bothAtomic = (touch.flags & Access::Atomic) && (cell.flags & AtomicWrite);
  if (!bothAtomic && !isBefore(touch.by, cell.writer, cell.writeMoment))
    race(touch, cell, cell.writer, true);
  if (touch.by.fenced && !(cell.flags & AsyncProxyWrite) &&
      touch.by.fenced->at(cell.writer) < cell.writeMoment)
    block.fault(*touch.by.thread, touch.site, "proxy fence missing",
                std::string("the async proxy ") + verb(touch.flags) + " " +
                    bytesAt(touch.bytes, touch.address) + " that " + block.nameOfAgent(cell.writer) +
                    " has written with an ordinary store, with no fence.proxy.async after the store",
                cell.writeSite, "the store");
}

void SharedMemory::checkReaders(const Touch &touch, const Cell &cell) {
  if (cell.readMoment == 0)
    return;
  bool isAtomic = touch.flags & Access::Atomic; // two atomics never race
  if (!cell.readers) {
    if (!(isAtomic && cell.flags & AtomicRead) && !isBefore(touch.by, cell.reader, cell.readMoment))
      race(touch, cell, cell.reader, false);
    return;
  }
  for (const Readers &set : sets[cell.readers - 1]) {
    if (isAtomic && set.isAtomic)
      continue;
    for (uint32_t mask = set.mask; mask; mask &= mask - 1) {
      uint16_t agent = set.group * kWarpSize + std::countr_zero(mask);
      if (agent < block.threadCount && set.moment <= block.base)
        break; // the same holds for the whole warp
      if (!isBefore(touch.by, agent, set.moment))
        race(touch, cell, agent, false);
    }
  }
}

uint32_t SharedMemory::newSet() {
  if (freeSets.empty()) {
    sets.emplace_back();
    return sets.size();
  }
  uint32_t set = freeSets.back();
  freeSets.pop_back();
  return set;
}

void SharedMemory::dropReaders(Cell &cell) {
  if (cell.readers) {
    sets[cell.readers - 1].clear();
    freeSets.push_back(cell.readers);
    cell.readers = 0;
  }
  cell.readMoment = 0;
  cell.flags &= ~AtomicRead;
}

void SharedMemory::addReader(const Accessor &by, Cell &cell, uint32_t flags, uint32_t site) {
  bool isAtomic = flags & Access::Atomic, wasAtomic = cell.flags & AtomicRead;
  bool onlyOne = cell.readMoment == 0 ||
                 (!cell.readers && cell.reader == by.agent && isAtomic == wasAtomic) ||
                 (cell.readMoment <= block.base && !cell.readers && cell.reader < block.threadCount);
  if (onlyOne) {
    cell.flags = (cell.flags & ~AtomicRead) | (isAtomic ? AtomicRead : 0);
    cell.reader = by.agent;
    cell.readMoment = by.moment;
    cell.readSite = site;
    return;
  }
  auto add = [&](std::vector<Readers> &set, uint16_t agent, uint32_t moment, bool isAtomic) {
    uint16_t group = agent / kWarpSize;
    uint32_t bit = 1u << agent % kWarpSize;
    bool found = false;
    for (size_t i = set.size(); i-- > 0;) {
      if (set[i].group != group || set[i].isAtomic != isAtomic)
        continue;
      if (set[i].moment == moment) {
        set[i].mask |= bit;
        found = true;
      } else if ((set[i].mask &= ~bit) == 0) {
        set.erase(set.begin() + i);
      }
    }
    if (!found)
      set.push_back({bit, moment, group, isAtomic});
  };
  if (!cell.readers) {
    cell.readers = newSet();
    add(sets[cell.readers - 1], cell.reader, cell.readMoment, wasAtomic);
    cell.flags &= ~AtomicRead;
  } else if (cell.readMoment <= block.base && by.moment > block.base) {
    // All that threads read before the last barrier of the block can no longer race.
    std::erase_if(sets[cell.readers - 1],
                  [&](const Readers &set) { return set.group * kWarpSize < block.threadCount; });
  }
  add(sets[cell.readers - 1], by.agent, by.moment, isAtomic);
  if (by.agent < block.threadCount)
    cell.readMoment = std::max(cell.readMoment, by.moment);
  cell.readSite = site;
}

void SharedMemory::write(const Accessor &by, Cell &cell, uint32_t flags, uint32_t site) {
  dropReaders(cell);
  cell.writer = by.agent;
  cell.writeMoment = by.moment;
  cell.writeSite = site;
  cell.flags = Written | (flags & Access::Atomic ? AtomicWrite : 0) | (by.isAsyncProxy ? AsyncProxyWrite : 0);
}

void SharedMemory::split(uint32_t granule, uint32_t width) {
  uint32_t old = widths[granule];
  for (uint32_t begin = granule * 16; begin < granule * 16 + 16; begin += old)
    for (uint32_t i = begin + width; i < begin + old; i += width) {
      cells[i] = cells[begin];
      if (cells[begin].era == era && cells[begin].readers) {
        cells[i].readers = newSet();
        sets[cells[i].readers - 1] = sets[cells[begin].readers - 1];
      }
    }
  widths[granule] = width;
}

template <typename F> void SharedMemory::forCells(uint64_t address, uint32_t bytes, F f) {
  uint32_t at = address - kSharedBase, end = at + bytes;
  while (at < end) {
    uint32_t granule = at / 16, stop = std::min(end, granule * 16 + 16), width = widths[granule];
    uint32_t ends = (at | stop) & (width - 1);
    if (ends)
      split(granule, width = 1u << std::countr_zero(ends));
    for (; at < stop; at += width) {
      Cell &cell = cells[at];
      if (cell.era != era) {
        cell = Cell{};
        cell.era = era;
      }
      f(cell);
    }
  }
}

void SharedMemory::touch(const Accessor &by, uint64_t address, uint32_t bytes, uint32_t flags,
                         uint32_t site) {
  ++block.statistics.sharedAccesses;
  Touch touch{by, address, bytes, flags, site};
  if (!writes(flags)) {
    forCells(address, bytes, [&](Cell &cell) {
      if (cell.flags & (Pending | Opaque))
        checkUsable(touch, cell);
      checkWriter(touch, cell);
      addReader(by, cell, flags, site);
    });
    return;
  }
  forCells(address, bytes, [&](Cell &cell) {
    if (cell.flags & (Pending | Opaque))
      checkUsable(touch, cell);
    checkWriter(touch, cell);
    checkReaders(touch, cell);
    write(by, cell, flags, site);
  });
  // What was written at once is described at once.
  uint32_t at = address - kSharedBase;
  if (bytes >= 16 && at % 16 == 0)
    for (uint32_t granule = at / 16; granule < (at + bytes) / 16; ++granule)
      widths[granule] = 16;
}

bool SharedMemory::touchQuickly(uint16_t thread, uint32_t moment, uint64_t address, uint32_t bytes,
                                uint32_t flags, uint32_t site) {
  uint64_t at = address - kSharedBase;
  if (at >= bytes_ || bytes > bytes_ - at || bytes > 16 || at & (bytes - 1) || widths[at / 16] != bytes)
    return false;
  Cell &cell = cells[at];
  if (cell.era != era || (cell.flags & ~AsyncProxyWrite) != Written)
    return false;
  auto isSettled = [&](uint16_t agent, uint32_t when) {
    return agent == thread || (when <= block.base && agent < block.threadCount);
  };
  if (!isSettled(cell.writer, cell.writeMoment))
    return false;
  if (cell.readers) {
    if (flags != Access::Read || cell.readMoment <= block.base)
      return false;
    for (Readers &set : sets[cell.readers - 1])
      if (set.group == thread / kWarpSize && set.moment == moment && !set.isAtomic) {
        set.mask |= 1u << thread % kWarpSize;
        return true;
      }
    return false;
  }
  if (cell.readMoment && !isSettled(cell.reader, cell.readMoment))
    return false;
  if (flags == Access::Read) {
    cell.reader = thread;
    cell.readMoment = moment;
    cell.readSite = site;
  } else if (flags == Access::Write) {
    cell.readMoment = 0;
    cell.writer = thread;
    cell.writeMoment = moment;
    cell.writeSite = site;
    cell.flags = Written;
  } else {
    return false;
  }
  return true;
}

void SharedMemory::expectVisible(const Accessor &by, uint64_t address, uint32_t bytes, uint32_t site) {
  Touch touch{by, address, bytes, Access::Read, site};
  forCells(address, bytes, [&](Cell &cell) { checkWriter(touch, cell); });
}

bool SharedMemory::wroteSinceBarrier(uint16_t thread, uint64_t address, uint32_t bytes) {
  bool wrote = false;
  forCells(address, bytes, [&](Cell &cell) {
    wrote |= (cell.flags & Written) && cell.writer == thread && cell.writeMoment > block.base;
  });
  return wrote;
}

void SharedMemory::launch(const Accessor &by, uint64_t address, uint32_t bytes, uint32_t site) {
  touch(by, address, bytes, Access::Write, site);
  forCells(address, bytes, [&](Cell &cell) { cell.flags |= Pending; });
}

void SharedMemory::land(uint16_t agent, uint32_t moment, uint64_t address, uint32_t bytes,
                        bool isAsyncProxy) {
  forCells(address, bytes, [&](Cell &cell) {
    cell.writer = agent;
    cell.writeMoment = moment;
    cell.flags = Written | (isAsyncProxy ? AsyncProxyWrite : 0);
  });
}

void SharedMemory::setOpaque(uint64_t address, bool opaque, uint32_t site) {
  forCells(address, 8, [&](Cell &cell) {
    dropReaders(cell);
    cell.flags = opaque ? Opaque : 0;
    cell.writeSite = site;
  });
}

char *sharedAddress(ThreadContext *context, uint64_t address, uint32_t word, uint32_t site) {
  Thread &thread = threadOf(context);
  Access access(word);
  SharedMemory &shared = *thread.block->shared;
  if (access.alignment <= access.bytes &&
      shared.touchQuickly(thread.index, thread.clock, address, access.bytes, access.flags, site)) {
    ++thread.block->statistics.sharedAccesses;
    return shared.host(address);
  }
  checkShared(thread, site, address, access.bytes, access.alignment, verb(access.flags));
  shared.touch(thread.accessor(), address, access.bytes, access.flags, site);
  return shared.host(address);
}

char *resolveAddress(ThreadContext *context, uint64_t address, uint32_t word, uint32_t site) {
  Thread &thread = threadOf(context);
  Access access(word);
  if (address >= kSharedWindow)
    return sharedAddress(context, address - kSharedWindow, word, site);
  char *host = reinterpret_cast<char *>(address);
  // Memory of the thread's own that was not traced to its allocation when the kernel was compiled.
  if (thread.block->stacks->contains(thread.index, host, access.bytes)) {
    auto local = std::find_if(thread.locals.begin(), thread.locals.end(), [&](const LocalMemory &one) {
      return address - one.address < one.bytes && access.bytes <= one.bytes - (address - one.address);
    });
    if (local != thread.locals.end() && address % access.alignment == 0) {
      char *written = local->written + (address - local->address);
      if (reads(access.flags) && std::memchr(written, 0, access.bytes))
        thread.block->fault(thread, site, "uninitialised local memory",
                            "reads " + std::to_string(access.bytes) + " bytes at byte " +
                                std::to_string(address - local->address) + " of an allocation of " +
                                std::to_string(local->bytes) + ", not all of which it has written");
      if (writes(access.flags))
        std::memset(written, 1, access.bytes);
      return host;
    }
    access.flags |= Access::Local;
  }
  if (access.flags & Access::Local)
    thread.block->fault(thread, site,
                        address % access.alignment ? "misaligned access" : "out-of-bounds access",
                        std::string(verb(access.flags)) + " " + std::to_string(access.bytes) +
                            " bytes of local memory, outside the allocation or not on a multiple of " +
                            std::to_string(access.alignment));
  checkGlobal(thread, site, address, access.bytes, access.alignment, verb(access.flags));
  if (reads(access.flags))
    thread.globalLook = site;
  if (thread.block->history)
    thread.block->history->touch(thread, address, access.bytes, access.flags, site);
  return host;
}

void checkShared(Thread &thread, uint32_t site, uint64_t address, uint32_t bytes, uint32_t alignment,
                 const char *verb) {
  Block &block = *thread.block;
  if (block.shared->touchesGap(address, bytes))
    block.fault(thread, site, "out-of-bounds access",
                std::string(verb) + " " + bytesAt(bytes, address) +
                    ", part of which lies behind the end of one array and before the next");
  if (!block.shared->contains(address, bytes))
    block.fault(thread, site, "out-of-bounds access",
                std::string(verb) + " " + bytesAt(bytes, address) + ", which is outside the block's " +
                    std::to_string(block.shared->bytes()) + " bytes from " + hex(kSharedBase) + " on");
  if (address % alignment)
    block.fault(thread, site, "misaligned access",
                std::string(verb) + " " + bytesAt(bytes, address) + ", which is no multiple of " +
                    std::to_string(alignment));
}

void checkGlobal(Thread &thread, uint32_t site, uint64_t address, uint32_t bytes, uint32_t alignment,
                 const char *verb) {
  Block &block = *thread.block;
  std::string what = std::string(verb) + " " + std::to_string(bytes) + (bytes == 1 ? " byte " : " bytes ");
  if (!block.memory.contains(address, bytes))
    block.fault(thread, site, "out-of-bounds access", what + block.memory.describe(address));
  if (address % alignment)
    block.fault(thread, site, "misaligned access",
                what + block.memory.describe(address) + ", which is no multiple of " +
                    std::to_string(alignment));
}

} // namespace mlora::emulator
