// cp.async: data arrives when the group is waited for and not a moment before. Until then the destination
// belongs to the copy and the source must stay as it is.
#include "Tensor.h"

namespace mlora::emulator {

void runCpAsync(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  AsyncCopy copy{toShared(in[0]), in[1], uint32_t(in[2]), uint32_t(in[3]), site, {}};
  if (copy.copied > copy.bytes)
    block.fault(thread, site, "invalid asynchronous copy",
                "copies " + std::to_string(copy.copied) + " of " + std::to_string(copy.bytes) + " bytes");
  checkShared(thread, site, copy.destination, copy.bytes, copy.bytes, "copies to");
  if (copy.source % copy.bytes)
    checkGlobal(thread, site, copy.source, copy.copied, copy.bytes, "copies from");
  if (copy.copied) {
    checkGlobal(thread, site, copy.source, copy.copied, copy.bytes, "copies from");
    if (block.history)
      block.history->touch(thread, copy.source, copy.copied, Access::Read, site);
  }
  std::memset(copy.data, 0, sizeof copy.data);
  std::memcpy(copy.data, reinterpret_cast<const char *>(copy.source), copy.copied);
  block.shared->launch(thread.accessor(), copy.destination, copy.bytes, site);
  thread.copies.add(copy);
}

void landCopy(Thread &thread, const AsyncCopy &copy, uint16_t agent, uint32_t moment) {
  Block &block = *thread.block;
  if (std::memcmp(copy.data, reinterpret_cast<const char *>(copy.source), copy.copied) != 0)
    block.fault(thread, copy.site, "source of an asynchronous copy overwritten",
                "the " + std::to_string(copy.copied) + " bytes " + block.memory.describe(copy.source) +
                    " changed before the copy was waited for");
  std::memcpy(block.shared->host(copy.destination), copy.data, copy.bytes);
  block.shared->land(agent, moment, copy.destination, copy.bytes, /*isAsyncProxy=*/false);
}

void runCpAsyncCommit(ThreadContext *context, uint32_t, const uint64_t *, uint64_t *) {
  threadOf(context).copies.commit();
}

void runCpAsyncWait(ThreadContext *context, uint32_t, const uint64_t *in, uint64_t *) {
  Thread &thread = threadOf(context);
  thread.copies.waitFor(in[0],
                        [&](const AsyncCopy &copy) { landCopy(thread, copy, thread.index, thread.clock); });
  thread.block->yield(thread);
}

} // namespace mlora::emulator
