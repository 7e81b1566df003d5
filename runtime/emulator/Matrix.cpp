// ldmatrix, stmatrix and mma.sync with the fragments of the PTX ISA (section "Matrix fragments").
#include "Operations.h"

#include <bit>

namespace mlora::emulator {

constexpr uint32_t kFullMask = 0xffffffffu;

void wholeWarp(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out, Execute execute) {
  Thread &thread = threadOf(context);
  Block &block = *thread.block;
  if (block.warps[thread.warp].existing != kFullMask)
    block.fault(thread, site, "divergent warp collective",
                "needs all 32 lanes, and this warp, the block's last, has " +
                    std::to_string(std::popcount(block.warps[thread.warp].existing)));
  block.collective(thread, site, kFullMask, in, out, execute);
}

/// Row r of matrix m begins at the address that lane 8 m + r brings. Lane 4 r + c holds elements 2c and 2c +
/// 1 of row r, or of column r where the matrix is transposed on its way.
static void loadMatrices(Block &block, Warp &warp, uint32_t, uint32_t site) {
  const unsigned count = warp.lanes[0]->in[0];
  uint16_t rows[4][8][8];
  for (unsigned i = 0; i < count * 8; ++i) {
    Thread &lane = *warp.lanes[i];
    uint64_t address = toShared(lane.in[2]);
    checkShared(lane, site, address, 16, 16, "reads");
    Accessor by = lane.accessor();
    block.shared->touch(by, address, 16, Access::Read, site);
    // What the lane has written itself and no bar.warp.sync has shown to the others.
    bool isOwn = block.shared->wroteSinceBarrier(lane.index, address, 16);
    for (Thread *other : warp.lanes)
      if (other != &lane && (isOwn || !other->known.same(lane.known)))
        block.shared->expectVisible(other->accessor(), address, 16, site);
    std::memcpy(rows[i / 8][i % 8], block.shared->host(address), 16);
  }
  bool transposed = warp.lanes[0]->in[1];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned m = 0; m < count; ++m) {
      unsigned r = lane / 4, c = lane % 4 * 2;
      uint32_t low = transposed ? rows[m][c][r] : rows[m][r][c];
      uint32_t high = transposed ? rows[m][c + 1][r] : rows[m][r][c + 1];
      warp.lanes[lane]->out[m] = low | high << 16;
    }
}

static void storeMatrices(Block &block, Warp &warp, uint32_t, uint32_t site) {
  const unsigned count = warp.lanes[0]->in[0];
  bool transposed = warp.lanes[0]->in[1];
  uint16_t rows[4][8][8];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned m = 0; m < count; ++m) {
      unsigned r = lane / 4, c = lane % 4 * 2;
      uint32_t value = warp.lanes[lane]->in[3 + m];
      (transposed ? rows[m][c][r] : rows[m][r][c]) = value;
      (transposed ? rows[m][c + 1][r] : rows[m][r][c + 1]) = value >> 16;
    }
  for (unsigned i = 0; i < count * 8; ++i) {
    Thread &lane = *warp.lanes[i];
    uint64_t address = toShared(lane.in[2]);
    checkShared(lane, site, address, 16, 16, "writes");
    block.shared->touch(lane.accessor(), address, 16, Access::Write, site);
    std::memcpy(block.shared->host(address), rows[i / 8][i % 8], 16);
  }
}

void runLdMatrix(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  wholeWarp(context, site, in, out, loadMatrices);
}

void runStMatrix(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  wholeWarp(context, site, in, out, storeMatrices);
}

/// m16n8k: A is row-major, B column-major. With g = lane / 4 and t = lane % 4 a lane holds, for every depth
/// of 8 (16-bit) or 4 (tf32), rows g and g + 8 of A and column g of B; of C and D columns 2t and 2t + 1 of
/// rows g and g + 8.
static void multiply(Block &, Warp &warp, uint32_t, uint32_t) {
  const unsigned depth = warp.lanes[0]->in[0];
  const Element type = Element(warp.lanes[0]->in[1]);
  const unsigned steps = type == Element::TF32 ? depth / 4 : depth / 8;
  float a[16][16], b[16][8], d[16][8];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const uint64_t *in = warp.lanes[lane]->in + 2, *inB = in + 2 * steps, *inC = inB + steps;
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned step = 0; step < steps; ++step) {
      for (unsigned half = 0; half < 2; ++half) {
        uint32_t bits = in[2 * step + half];
        if (type == Element::TF32) {
          a[g + 8 * half][4 * step + t] = toFloat(bits & ~0x1fffu);
        } else {
          a[g + 8 * half][8 * step + 2 * t] = fromHalf(bits, type);
          a[g + 8 * half][8 * step + 2 * t + 1] = fromHalf(bits >> 16, type);
        }
      }
      uint32_t bits = inB[step];
      if (type == Element::TF32) {
        b[4 * step + t][g] = toFloat(bits & ~0x1fffu);
      } else {
        b[8 * step + 2 * t][g] = fromHalf(bits, type);
        b[8 * step + 2 * t + 1][g] = fromHalf(bits >> 16, type);
      }
    }
    for (unsigned i = 0; i < 4; ++i)
      d[g + 8 * (i / 2)][2 * t + i % 2] = toFloat(inC[i]);
  }
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned k = 0; k < depth; ++k)
      for (unsigned column = 0; column < 8; ++column)
        d[row][column] += a[row][k] * b[k][column];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < 4; ++i)
      warp.lanes[lane]->out[i] = fromFloat(d[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2]);
}

void runMma(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  wholeWarp(context, site, in, out, multiply);
}

} // namespace mlora::emulator
