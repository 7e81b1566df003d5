// llvm.memcpy, memmove and memset: many accesses of a thread, in pieces that are checked as one access each.
#include "Operations.h"

#include <algorithm>

namespace mlora::emulator {

constexpr uint64_t kPiece = 4096;

template <typename F>
static void forPieces(ThreadContext *context, uint32_t site, uint64_t address, uint64_t bytes, uint32_t flags,
                      F f) {
  for (uint64_t at = 0; at < bytes; at += kPiece) {
    uint32_t count = std::min(kPiece, bytes - at);
    f(resolveAddress(context, address + at, Access::encode(count, /*log2Alignment=*/0, flags), site), at,
      count);
  }
}

void runMemoryCopy(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  uint64_t bytes = in[2], to = in[0];
  std::vector<char> data; // all of it before anything is written: the two may overlap
  forPieces(context, site, in[1], bytes, Access::Read,
            [&](char *host, uint64_t, uint32_t count) { data.insert(data.end(), host, host + count); });
  forPieces(context, site, to, bytes, Access::Write,
            [&](char *host, uint64_t at, uint32_t count) { std::memcpy(host, data.data() + at, count); });
}

void runMemorySet(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *) {
  int value = in[1];
  forPieces(context, site, in[0], in[2], Access::Write,
            [&](char *host, uint64_t, uint32_t count) { std::memset(host, value, count); });
}

} // namespace mlora::emulator
