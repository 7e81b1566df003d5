// ldmatrix, stmatrix and mma.sync with the fragments of the PTX ISA (section "Matrix fragments").
#include "Operations.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

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

/// Sums in f16, as they are and as they leave.
static uint32_t toHalf(float value) {
  _Float16 half = _Float16(value);
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

/// Element `number` of a register.
template <typename Sum> static Sum elementOf(uint32_t bits, unsigned number, Element type) {
  switch (type) {
  case Element::TF32:
    return Sum(toFloat(bits & ~0x1fffu));
  case Element::S8:
    return Sum(int8_t(bits >> 8 * number));
  case Element::U8:
    return Sum(uint8_t(bits >> 8 * number));
  default:
    return Sum(fromHalf(bits >> 16 * number, type));
  }
}

/// m16n8k: A is row-major, B column-major. A register holds e elements (of 32 bits), and with g = lane / 4
/// and t = lane % 4 a lane holds, for every depth of 4e, elements et to et + e - 1 of rows g and g + 8 of A
/// and of column g of B; of C and D columns 2t and 2t + 1 of rows g and g + 8.
template <typename Sum> static void multiplyAs(Warp &warp) {
  const uint64_t *first = warp.lanes[0]->in;
  const unsigned depth = first[0];
  const Element typeA = Element(first[1]), typeB = Element(first[2]);
  const Accumulator sums = Accumulator(first[3]);
  const unsigned elements = typeA == Element::TF32                         ? 1
                            : typeA == Element::S8 || typeA == Element::U8 ? 4
                                                                           : 2,
                 steps = depth / (4 * elements);
  const bool inHalves = sums == Accumulator::F16;
  Sum a[16][32], b[32][8], d[16][8];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const uint64_t *in = warp.lanes[lane]->in + 4, *inB = in + 2 * steps, *inC = inB + steps;
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned step = 0; step < steps; ++step)
      for (unsigned e = 0; e < elements; ++e) {
        unsigned k = 4 * elements * step + elements * t + e;
        for (unsigned half = 0; half < 2; ++half)
          a[g + 8 * half][k] = elementOf<Sum>(in[2 * step + half], e, typeA);
        b[k][g] = elementOf<Sum>(inB[step], e, typeB);
      }
    for (unsigned i = 0; i < 4; ++i) {
      Sum &c = d[g + 8 * (i / 2)][2 * t + i % 2];
      if (inHalves)
        c = Sum(fromHalf(inC[i / 2] >> 16 * (i % 2), Element::F16));
      else
        std::memcpy(&c, &inC[i], 4);
    }
  }
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned column = 0; column < 8; ++column) {
      if constexpr (std::is_same_v<Sum, float>) {
        for (unsigned k = 0; k < depth; ++k)
          d[row][column] += a[row][k] * b[k][column];
      } else {
        int64_t sum = d[row][column];
        for (unsigned k = 0; k < depth; ++k)
          sum += int64_t(a[row][k]) * b[k][column];
        if (sums == Accumulator::SaturatingS32)
          sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
        d[row][column] = int32_t(sum);
      }
    }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint64_t *out = warp.lanes[lane]->out;
    auto at = [&](unsigned i) { return d[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2]; };
    for (unsigned i = 0; i < (inHalves ? 2 : 4); ++i) {
      uint32_t bits;
      Sum value = at(i);
      std::memcpy(&bits, &value, 4);
      out[i] = inHalves ? toHalf(float(at(2 * i))) | toHalf(float(at(2 * i + 1))) << 16 : bits;
    }
  }
}

static void multiply(Block &, Warp &warp, uint32_t, uint32_t) {
  bool isInteger = Accumulator(warp.lanes[0]->in[3]) >= Accumulator::S32;
  isInteger ? multiplyAs<int32_t>(warp) : multiplyAs<float>(warp);
}

/// m8n8k4: a lane holds A[lane / 4][lane % 4], B[lane % 4][lane / 4] and two columns of C's row lane / 4.
static void multiplyF64(Block &, Warp &warp, uint32_t, uint32_t) {
  double results[kWarpSize][2];
  auto number = [&](unsigned lane, unsigned slot) {
    double value;
    std::memcpy(&value, &warp.lanes[lane]->in[slot], 8);
    return value;
  };
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < 2; ++i) {
      unsigned row = lane / 4, column = 2 * (lane % 4) + i;
      results[lane][i] = number(lane, 2 + i);
      for (unsigned k = 0; k < 4; ++k)
        results[lane][i] = std::fma(number(4 * row + k, 0), number(4 * column + k, 1), results[lane][i]);
    }
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    std::memcpy(warp.lanes[lane]->out, results[lane], 16);
}

void runMmaF64(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  wholeWarp(context, site, in, out, multiplyF64);
}

void runMma(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  wholeWarp(context, site, in, out, multiply);
}

} // namespace mlora::emulator
