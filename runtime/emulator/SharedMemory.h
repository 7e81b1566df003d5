// A block's shared memory and, beside each byte, who last wrote and read it: the race model of
// docs/emulator.md.
#pragma once

#include "VectorClock.h"
#include "mlora/Runtime/Emulator/Emulator.h"

#include <cstdint>
#include <vector>

namespace mlora::emulator {

struct Block;
struct Thread;

/// Who accesses: a thread, or an engine that works beside the threads (a tensor copy, a wgmma), numbered
/// after them.
struct Accessor {
  Thread *thread; ///< whom to blame
  uint16_t agent;
  uint32_t moment;          ///< its clock
  const VectorClock *known; ///< what comes before the access
  const VectorClock *fenced =
      nullptr; ///< ordinary stores that the async proxy may read or overwrite; null: any
  bool isAsyncProxy = false;
};

class SharedMemory {
public:
  /// `bytes`: all but the gaps.
  SharedMemory(Block &block, uint32_t bytes, std::vector<SharedGap> gaps);

  /// A new block: nothing is initialised, nobody has read.
  void reset();

  bool contains(uint64_t address, uint32_t bytes) const {
    return address >= kSharedBase && address - kSharedBase <= bytes_ &&
           bytes <= bytes_ - (address - kSharedBase) && !touchesGap(address, bytes);
  }
  bool touchesGap(uint64_t address, uint32_t bytes) const {
    for (const SharedGap &gap : gaps)
      if (address < gap.begin + gap.bytes && address + bytes > gap.begin)
        return true;
    return false;
  }
  char *host(uint64_t address) { return memory.data() + (address - kSharedBase); }
  uint32_t bytes() const { return usable; }

  /// Checks an access inside bounds and remembers it; what is wrong is a fault of the running thread.
  void touch(const Accessor &by, uint64_t address, uint32_t bytes, uint32_t flags, uint32_t site);
  /// The same for a load or store of a thread in the usual case, decided by one cell: nobody else's access is
  /// near. False: ask `touch`.
  bool touchQuickly(uint16_t thread, uint32_t moment, uint64_t address, uint32_t bytes, uint32_t flags,
                    uint32_t site);
  /// Checks that what was written there comes before now for an accessor that gets the value without reading
  /// itself (the other lanes of an ldmatrix).
  void expectVisible(const Accessor &by, uint64_t address, uint32_t bytes, uint32_t site);
  /// Whether a thread has written there since the block's last barrier.
  bool wroteSinceBarrier(uint16_t thread, uint64_t address, uint32_t bytes);
  /// Bytes that an asynchronous copy may write from now on, until `land`.
  void launch(const Accessor &by, uint64_t address, uint32_t bytes, uint32_t site);
  /// The copy has written them; they count as written by `agent` at `moment`.
  void land(uint16_t agent, uint32_t moment, uint64_t address, uint32_t bytes, bool isAsyncProxy);
  /// Marks (or clears) the eight bytes of an mbarrier: ordinary accesses to them are faults.
  void setOpaque(uint64_t address, bool opaque, uint32_t site);

private:
  enum Flags : uint8_t {
    Pending = 1,
    AtomicWrite = 2,
    AsyncProxyWrite = 4,
    Opaque = 8,
    Written = 16,
    ReadUnwritten = 32, ///< somebody has read before anybody wrote
    AtomicRead = 64     ///< by an atomic load, where one agent alone has read
  };
  struct Cell {
    uint32_t writeMoment, readMoment, writeSite, readSite;
    uint32_t readers; ///< 0, or one more than the index of a set: several agents have read
    uint16_t writer, reader;
    uint16_t era; ///< the block that it tells of; an older one is as good as none
    uint8_t flags;
  };
  /// The lanes of a warp (or one engine) that have read at a moment.
  struct Readers {
    uint32_t mask, moment;
    uint16_t group;
    bool isAtomic;
  };

  /// One access of one cell, for messages.
  struct Touch {
    const Accessor &by;
    uint64_t address;
    uint32_t bytes, flags, site;
  };
  void checkUsable(const Touch &touch, const Cell &cell);
  void checkReaders(const Touch &touch, const Cell &cell);
  void checkWriter(const Touch &touch, Cell &cell);
  [[noreturn]] void race(const Touch &touch, const Cell &cell, uint16_t other, bool otherWrote);
  void addReader(const Accessor &by, Cell &cell, uint32_t flags, uint32_t site);
  void write(const Accessor &by, Cell &cell, uint32_t flags, uint32_t site);
  void dropReaders(Cell &cell);
  bool isBefore(const Accessor &by, uint16_t agent, uint32_t moment) const;
  /// Calls `f` on each cell of a range, at the coarsest width that both the range and the history allow.
  template <typename F> void forCells(uint64_t address, uint32_t bytes, F f);
  void split(uint32_t granule, uint32_t width);
  uint32_t newSet();

  Block &block;
  std::vector<SharedGap> gaps;
  uint32_t usable, bytes_; ///< without the gaps and with them
  std::vector<char> memory;
  std::vector<Cell> cells;     ///< cell i describes the bytes from i on
  std::vector<uint8_t> widths; ///< of each 16 bytes: how many bytes a cell describes
  std::vector<std::vector<Readers>> sets;
  std::vector<uint32_t> freeSets;
  uint16_t era = 0;
};

} // namespace mlora::emulator
