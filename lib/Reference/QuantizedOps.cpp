//===- QuantizedOps.cpp - what blocks of weights stand for ------------------------------===//

#include "Ops.h"

#include "mlora/Runtime/Model/BlockFormats.h"

#include <cmath>

namespace mlir::mlora::reference {

namespace {

/// The bytes of one block, from byte `first` of the tensor on.
struct Bytes {
  const Tensor &memory;
  int64_t first;

  int operator[](int64_t i) const {
    return int(memory((first + i) / memory.columns(), (first + i) % memory.columns())) & 255;
  }
  int signedAt(int64_t i) const { return int8_t((*this)[i]); }
  int low(int64_t i) const { return (*this)[i] & 15; }
  int high(int64_t i) const { return (*this)[i] >> 4; }
  int nibble(int64_t i, bool isHigh) const { return isHigh ? high(i) : low(i); }
  /// Bit i of the bytes from `at` on.
  int bit(int64_t at, int64_t i) const { return (*this)[at + i / 8] >> (i % 8) & 1; }
  /// An IEEE half.
  double half(int64_t at) const {
    int bits = (*this)[at] | (*this)[at + 1] << 8, exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double size = exponent == 0    ? std::ldexp(mantissa, -24)
                  : exponent == 31 ? (mantissa ? NAN : INFINITY)
                                   : std::ldexp(1024 + mantissa, exponent - 25);
    return bits & 0x8000 ? -size : size;
  }
  double bfloat(int64_t at) const {
    return llvm::bit_cast<float>(uint32_t((*this)[at] | (*this)[at + 1] << 8) << 16);
  }
};

/// Scale and minimum of sub-block j of Q4_K and Q5_K: six bits each, from byte 4 on.
std::pair<int, int> sixBits(const Bytes &b, int64_t j) {
  if (j < 4)
    return {b[4 + j] & 63, b[8 + j] & 63};
  return {b.low(8 + j) | b[j] >> 6 << 4, b.high(8 + j) | b[4 + j] >> 6 << 4};
}

/// Value j of a block.
double valueOf(StringRef format, const Bytes &b, int64_t j) {
  if (format == "F16")
    return b.half(2 * j);
  if (format == "BF16")
    return b.bfloat(2 * j);
  if (format == "Q8_0") // d, 32 bytes
    return b.half(0) * b.signedAt(2 + j);
  if (format == "Q4_K" || format == "Q5_K") { // d, dmin, 12 bytes of scales, (fifth bits,) nibbles
    auto [scale, minimum] = sixBits(b, j / 32);
    bool five = format == "Q5_K";
    int q = b.nibble((five ? 48 : 16) + j / 64 * 32 + j % 32, j / 32 % 2);
    q += five ? (b[16 + j % 32] >> (j / 32) & 1) << 4 : 0;
    return b.half(0) * scale * q - b.half(2) * minimum;
  }
  if (format == "Q6_K") { // 128 bytes of nibbles, 64 of bit pairs, 16 scales, d
    int64_t half = j / 128, in = j % 128;
    int q = b.nibble(half * 64 + in % 64, in >= 64) | (b[128 + half * 32 + in % 32] >> (in / 32 * 2) & 3)
                                                          << 4;
    return b.half(208) * b.signedAt(192 + j / 16) * (q - 32);
  }
  // d, (m,) (32 fifth bits,) 16 bytes of nibbles: the low ones first
  bool hasMinimum = format.ends_with("_1"), five = format.starts_with("Q5");
  int64_t bits = hasMinimum ? 4 : 2, nibbles = bits + (five ? 4 : 0);
  int q = b.nibble(nibbles + j % 16, j >= 16) + (five ? b.bit(bits, j) << 4 : 0);
  return hasMinimum ? b.half(0) * q + b.half(2) : b.half(0) * (q - (five ? 16 : 8));
}

} // namespace

/// y[i, j] = the value that row i's blocks hold for j. Of several formats the last row of memory names one.
Tensors run(DequantizeOp op, const Environment &at) {
  const Tensor &memory = at(op.getBlocks());
  auto layout = *::mlora::BlockLayout::find(std::string_view(op.getFormat()));
  Tensor y(op.getOutput().getType().getShape());
  Bytes last{memory, (memory.rows() - 1) * memory.columns()};
  // A number of no format is the last one's, as in kernels.
  size_t number = layout.isMixed() ? std::min(size_t(last[0]), layout.formats.size() - 1) : 0;
  const ::mlora::BlockFormat &format = *layout.formats[number];
  int64_t rowBytes = y.columns() / format.values * format.bytes;
  for (int64_t i = 0; i < y.rows(); ++i)
    for (int64_t j = 0; j < y.columns(); ++j)
      y(i, j) = valueOf(StringRef(format.name), {memory, i * rowBytes + j / format.values * format.bytes},
                        j % format.values);
  return {y};
}

} // namespace mlir::mlora::reference
