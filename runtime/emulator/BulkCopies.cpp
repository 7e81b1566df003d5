// What the tensor engine copies, pieces of a box or of a plain range of memory: loads that report to an
// mbarrier, and stores in groups.
#include "Tensor.h"

namespace mlora::emulator {

void launchLoad(Thread &thread, uint32_t site, SharedRange to, std::vector<CopyPiece> pieces, uint64_t at) {
  Block &block = *thread.block;
  Mbarrier &barrier = findMbarrier(thread, site, at);
  Accessor by = thread.accessor();
  by.isAsyncProxy = true;
  by.fenced = &thread.fenced.shared;
  if (!barrier.isVisibleToAsyncProxy)
    block.fault(thread, site, "proxy fence missing",
                "the async proxy reports to the mbarrier at " + hex(at) +
                    ", with no fence.mbarrier.init (or fence.proxy.async) after its initialisation",
                barrier.initSite, "the initialisation");
  block.shared->launch(by, to.address, to.bytes, site);
  std::vector<char> data; // the source as it is: it must be so still when the copy lands
  data.reserve(to.bytes);
  for (const CopyPiece &piece : pieces) {
    if (!piece.global) {
      data.resize(data.size() + piece.bytes);
      continue;
    }
    if (block.history)
      block.history->readByAsyncProxy(thread, piece.global, piece.bytes, site);
    const char *from = reinterpret_cast<const char *>(piece.global);
    data.insert(data.end(), from, from + piece.bytes);
  }
  uint64_t number = ++block.reportedCopies;
  barrier.copies.push_back({&thread, site, number});
  block.transfers.push_back([&block, &thread, site, to, at, number, pieces = std::move(pieces),
                             data = std::move(data), engine = barrier.engine] {
    const char *from = data.data();
    for (const CopyPiece &piece : pieces) {
      if (piece.global && std::memcmp(from, reinterpret_cast<const char *>(piece.global), piece.bytes) != 0)
        block.fault(thread, site, "source of an asynchronous copy overwritten",
                    "the " + std::to_string(piece.bytes) + " bytes " + block.memory.describe(piece.global) +
                        " changed before the copy was done");
      std::memcpy(block.shared->host(piece.shared), from, piece.bytes);
      from += piece.bytes;
    }
    auto found = block.mbarriers.find(at);
    if (found == block.mbarriers.end() || found->second.engine != engine)
      return; // the barrier is gone: nobody can wait for this
    Mbarrier &barrier = found->second;
    block.shared->land(engine, ++barrier.moment, to.address, to.bytes, /*isAsyncProxy=*/true);
    barrier.arriving.raise(engine, barrier.moment);
    barrier.landed(number);
    barrier.bytes -= to.bytes;
    finishPhase(block, barrier);
  });
  block.yield(thread);
}

void launchStore(Thread &thread, uint32_t site, SharedRange from, const std::vector<CopyPiece> &pieces) {
  Block &block = *thread.block;
  if (!thread.storeEngine) {
    thread.storeEngine = block.newEngine(Engine::Store);
    thread.storeWriter = block.newEngine(Engine::StoreWrite);
  }
  // The engine's read lasts until a wait for the copy's group.
  VectorClock before = thread.known;
  before.raise(thread.index, thread.clock);
  Accessor by{&thread, thread.storeEngine, ++thread.storeMoment, &before, &thread.fenced.shared, true};
  block.shared->touch(by, from.address, from.bytes, Access::Read, site);
  StoreCopy copy;
  copy.site = site;
  for (const CopyPiece &piece : pieces) {
    if (!piece.global)
      continue;
    copy.pieces.push_back(piece);
    // The engine's write lasts until a wait without `.read`, or to the end of the launch.
    if (block.history)
      block.history->touch(thread, {thread.storeWriter, thread.storeMoment, /*isAsyncProxy=*/true},
                           piece.global, piece.bytes, Access::Write, site);
    const char *host = block.shared->host(piece.shared);
    copy.data.insert(copy.data.end(), host, host + piece.bytes);
  }
  thread.stores.push_back(std::move(copy));
}

/// A copy without a tensor map: one range of each memory, in units of 16 bytes.
static CopyPiece plainPiece(Thread &thread, uint32_t site, uint64_t shared, uint64_t global, uint64_t bytes,
                            bool loads) {
  Block &block = *thread.block;
  if (bytes % 16)
    block.fault(thread, site, "invalid asynchronous copy",
                "copies " + std::to_string(bytes) + " bytes, which is no multiple of 16");
  checkShared(thread, site, shared, bytes, 16, loads ? "copies to" : "copies from");
  checkGlobal(thread, site, global, bytes, 16, loads ? "copies from" : "copies to");
  return {shared, global, uint32_t(bytes)};
}

void runBulkLoad(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  CopyPiece piece = plainPiece(thread, site, toShared(in[0]), in[1], in[3], /*loads=*/true);
  launchLoad(thread, site, {piece.shared, piece.bytes}, {piece}, toShared(in[2]));
}

void runBulkStore(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  CopyPiece piece = plainPiece(thread, site, toShared(in[1]), in[0], in[2], /*loads=*/false);
  launchStore(thread, site, {piece.shared, piece.bytes}, {piece});
}

static void land(const StoreCopy &copy) {
  const char *data = copy.data.data();
  for (const CopyPiece &piece : copy.pieces) {
    std::memcpy(reinterpret_cast<char *>(piece.global), data, piece.bytes);
    data += piece.bytes;
  }
}

/// The block has ended: what nobody has waited for is in global memory now.
void finishStores(Thread &thread) {
  for (const StoreGroup &group : thread.storeGroups)
    for (const StoreCopy &copy : group.copies)
      land(copy);
}

/// A copy whose source shared memory must still hold, as far as the thread knows.
const StoreCopy *findUnreadStore(const Thread &thread) {
  for (const StoreGroup &group : thread.storeGroups)
    if (!group.isRead && !group.copies.empty())
      return &group.copies.front();
  return thread.stores.empty() ? nullptr : &thread.stores.front();
}

void runBulkCommit(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.storeGroups.push_back({std::move(thread.stores), thread.storeMoment});
  thread.stores.clear();
}

/// With `.read` the source may be overwritten, and what was written to global memory is not there yet.
void runBulkWait(ThreadContext *context, uint32_t, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  for (size_t i = 0; i + in[0] < thread.storeGroups.size(); ++i) {
    StoreGroup &group = thread.storeGroups[i];
    group.isRead = true;
    if (group.moment)
      thread.known.raise(thread.storeEngine, group.moment);
  }
  if (!in[1])
    for (; thread.storeGroups.size() > in[0]; thread.storeGroups.pop_front()) {
      const StoreGroup &group = thread.storeGroups.front();
      if (group.moment)
        thread.known.raise(thread.storeWriter, group.moment);
      for (const StoreCopy &copy : group.copies)
        land(copy);
    }
  thread.block->yield(thread);
}

} // namespace mlora::emulator
