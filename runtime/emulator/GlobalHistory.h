// Who has read and written global memory in a launch: races between threads of all its blocks. Blocks run one
// after another, and still nothing orders them but atomics with fences.
#pragma once

#include "VectorClock.h"

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

namespace mlora::emulator {

struct Block;
struct Thread;

/// What a block had done when a thread of it released something.
struct Released {
  VectorClock clock;
  uint32_t base = 0; ///< all that its threads did up to this moment, and the clock's moments beyond
};
using ReleasedBlocks = std::map<uint64_t, Released>; ///< by the block's number

/// Who accesses: a thread, or the engine that writes what its tensor stores store.
struct GlobalAccessor {
  uint16_t agent;
  uint32_t moment; ///< its clock
  bool isAsyncProxy = false;
};

class GlobalHistory {
public:
  /// `uninitialised`: addresses and bytes of what holds nothing when the launch begins.
  explicit GlobalHistory(std::vector<std::pair<uint64_t, uint64_t>> uninitialised)
      : uninitialised(std::move(uninitialised)) {}

  /// Checks an access and remembers it; a race is a fault of the thread.
  void touch(Thread &thread, uint64_t address, uint32_t bytes, uint32_t flags, uint32_t site);
  /// The same for an engine's access that the thread has asked for.
  void touch(Thread &thread, GlobalAccessor by, uint64_t address, uint32_t bytes, uint32_t flags,
             uint32_t site);
  /// Checks what a tensor copy reads: ordinary stores of this block need a proxy fence before it.
  void readByAsyncProxy(Thread &thread, uint64_t address, uint32_t bytes, uint32_t site);
  /// What an atomic access tells other blocks of the launch, and its thread of others.
  void afterAtomic(Thread &thread, uint64_t address, bool reads, bool writes, bool acquires,
                   const Released &released);
  /// What relaxed reads before it have seen comes before what follows a fence.
  void afterFence(Thread &thread);
  /// Another block begins, which knows nothing of the others.
  void enterBlock() {
    learned.clear();
    seen.clear();
  }

private:
  struct Access {
    uint64_t block;
    uint32_t moment, site;
    uint16_t thread;
    uint8_t mask; ///< of the four bytes
    bool isAtomic, isAsyncProxy;
    bool allowsReads; ///< an atomic beside which an ordinary read is no race
    bool isOfBlock = false;  ///< an atomic that means nothing to other blocks
    bool isConstant = false; ///< a read that says that nobody writes there
  };
  /// Four bytes. Of reads that nobody has overwritten the last few are kept.
  struct Cell {
    std::vector<Access> writes, reads;
  };
  /// What a thread of the running block has learned of another block, and when.
  struct Learned {
    uint32_t moment;
    Released what;
  };
  using LearnedBlocks =
      std::map<std::pair<uint64_t, uint16_t>, std::vector<Learned>>; ///< by block and thread, oldest first

  /// `isStrong`: of an atomic read, for which a relaxed read before it is enough.
  bool isBefore(const Thread &thread, const Access &access, bool isStrong) const;
  static bool isKnown(const Thread &thread, const Access &access, const LearnedBlocks &blocks);
  static void learn(LearnedBlocks &blocks, const Thread &thread, uint64_t number, const Released &what);
  void check(Thread &thread, const Access &now, const std::vector<Access> &others, bool otherWrote,
             uint32_t flags, uint64_t address, uint32_t bytes) const;

  /// A read of bytes that nobody in the launch has written, where none were before it.
  void checkWritten(Thread &thread, uint64_t at, uint8_t mask, const Cell &cell, uint64_t address,
                    uint32_t bytes, uint32_t site) const;

  std::vector<std::pair<uint64_t, uint64_t>> uninitialised;
  /// A read that says that nobody writes what it reads, or the write.
  [[noreturn]] void constantWritten(Thread &thread, const Access &now, const Access &other, uint64_t address,
                                    uint32_t bytes) const;

  std::unordered_map<uint64_t, Cell> cells;
  std::unordered_map<uint64_t, Access> constants; ///< of each four bytes: the first read of that kind
  std::unordered_map<uint64_t, ReleasedBlocks> shown; ///< by the address of the atomic
  LearnedBlocks learned;                              ///< what comes before the running block's accesses
  LearnedBlocks seen;                                 ///< what a fence would make come before them
};

} // namespace mlora::emulator
