//===- UnpackBlocks.cpp - values of quantised blocks, in registers ----------------===//
//
// A scale times an integer is exact in f32 for every format but Q6_K, whose last product is the reference's
// last one as well; so one fma gives the value that ggml's reference rounds once, when it adds the minimum.

#include "UnpackBlocks.h"

#include "Building.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {

class Unpacker {
public:
  Unpacker(ImplicitLocOpBuilder &b, Value bytes, Value row, Value at)
      : b(b), bytes(bytes), row(row), at(at) {}

  Value halves(int64_t unit);
  Value bfloats(int64_t unit);
  Value nibbles(int64_t unit, bool hasMinimum, bool hasFifthBits);
  Value signedBytes(int64_t unit);
  Value sixBitScales(int64_t unit, bool hasFifthBits);
  Value sixBitValues(int64_t unit);

private:
  static constexpr int64_t kBytes = 16;

  VectorType vectorOf(Type type, int64_t count = kLanes) { return VectorType::get({count}, type); }
  Value constant(VectorType type, int64_t value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getIntegerAttr(type.getElementType(), value)));
  }
  Value integer(int64_t value) { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); }

  /// `count` bytes of the block from `from` on.
  Value load(int64_t from, int64_t count = kBytes) {
    Value first = b.createOrFold<arith::AddIOp>(at, arith::ConstantIndexOp::create(b, from));
    return vector::LoadOp::create(b, vectorOf(b.getI8Type(), count), bytes, ValueRange{row, first});
  }
  /// `count` halves of the block from byte `from` on, as f32.
  Value loadHalves(int64_t from, int64_t count) {
    Value halves = vector::BitCastOp::create(b, vectorOf(b.getF16Type(), count), load(from, 2 * count));
    return arith::ExtFOp::create(b, vectorOf(b.getF32Type(), count), halves);
  }
  Value element(Value vector, int64_t index) {
    return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{index});
  }
  Value spread(Value scalar) { return vector::BroadcastOp::create(b, vectorOf(scalar.getType()), scalar); }
  Value scale(int64_t from) { return element(loadHalves(from, 1), 0); }

  Value both(Value x, int64_t mask) {
    return arith::AndIOp::create(b, x, constant(cast<VectorType>(x.getType()), mask));
  }
  Value shiftRight(Value x, int64_t count) {
    return count == 0 ? x
                      : Value(arith::ShRUIOp::create(b, x, constant(cast<VectorType>(x.getType()), count)));
  }
  Value shiftLeft(Value x, int64_t count) {
    return arith::ShLIOp::create(b, x, constant(cast<VectorType>(x.getType()), count));
  }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value minus(Value x, int64_t y) {
    return arith::SubIOp::create(b, x, constant(cast<VectorType>(x.getType()), y));
  }
  Value wide(Value x) { return arith::ExtUIOp::create(b, vectorOf(b.getI32Type()), x); }
  /// Bits [from, from + count) of 16 bytes, as i32. Widened first: that is one instruction with the load,
  /// while shifting bytes takes two, and widening the upper half of a register another.
  Value bits(int64_t at, int64_t from, int64_t count) {
    return both(shiftRight(wide(load(at)), from), (int64_t(1) << count) - 1);
  }
  Value real(Value x) {
    if (cast<VectorType>(x.getType()).getElementType().isInteger(8))
      x = arith::ExtSIOp::create(b, vectorOf(b.getI32Type()), x);
    return arith::SIToFPOp::create(b, vectorOf(b.getF32Type()), x);
  }
  Value times(Value scale, Value x) { return arith::MulFOp::create(b, spread(scale), x); }
  Value scaled(Value scale, Value x, Value offset) {
    return vector::FMAOp::create(b, spread(scale), x, spread(offset));
  }

  /// Byte `from` of the block, as i32.
  Value byteAt(int64_t from) { return arith::ExtUIOp::create(b, b.getI32Type(), element(load(from, 1), 0)); }
  Value real(Value integer, Value factor) {
    return arith::MulFOp::create(b, factor, arith::SIToFPOp::create(b, b.getF32Type(), integer));
  }

  ImplicitLocOpBuilder &b;
  Value bytes, row, at;
};

} // namespace

Value Unpacker::halves(int64_t) { return loadHalves(0, kLanes); }

Value Unpacker::bfloats(int64_t) {
  Value values = vector::BitCastOp::create(b, vectorOf(b.getI16Type()), load(0, 2 * kLanes));
  return vector::BitCastOp::create(b, vectorOf(b.getF32Type()), shiftLeft(wide(values), 16));
}

/// d, (m,) (32 fifth bits,) 16 bytes whose low nibbles are the first unit.
Value Unpacker::nibbles(int64_t unit, bool hasMinimum, bool hasFifthBits) {
  int64_t scaleBytes = hasMinimum ? 4 : 2;
  Value scales = loadHalves(0, hasMinimum ? 2 : 1);
  Value q = bits(scaleBytes + (hasFifthBits ? 4 : 0), 4 * unit, 4);
  if (hasFifthBits) {
    Value word = element(vector::BitCastOp::create(b, vectorOf(b.getI32Type(), 1), load(scaleBytes, 4)), 0);
    SmallVector<int32_t> places = llvm::to_vector(llvm::seq<int32_t>(16 * unit, 16 * unit + 16));
    Value place = arith::ConstantOp::create(
        b, DenseElementsAttr::get(vectorOf(b.getI32Type()), ArrayRef<int32_t>(places)));
    Value fifth = both(arith::ShRUIOp::create(b, spread(word), place), 1);
    q = either(q, shiftLeft(fifth, 4));
  }
  Value d = element(scales, 0), m = hasMinimum ? element(scales, 1) : Value();
  return hasMinimum ? scaled(d, real(q), m) : times(d, real(minus(q, hasFifthBits ? 16 : 8)));
}

/// d, 32 signed bytes.
Value Unpacker::signedBytes(int64_t unit) {
  Value d = scale(0);
  return times(d, real(load(2 + 16 * unit)));
}

/// d, dmin, 12 bytes of six-bit scales and minima, (32 bytes of fifth bits,) nibbles: 32 bytes hold two
/// sub-blocks of 32 values, the low ones first.
Value Unpacker::sixBitScales(int64_t unit, bool hasFifthBits) {
  int64_t j = unit / 2; // the sub-block
  auto masked = [&](int64_t from, int64_t mask) {
    return Value(arith::AndIOp::create(b, byteAt(from), integer(mask)));
  };
  auto upper = [&](int64_t from) { // its two highest bits, as the two highest of six
    Value pair = arith::ShRUIOp::create(b, byteAt(from), integer(6));
    return Value(arith::ShLIOp::create(b, pair, integer(4)));
  };
  Value scale, minimum;
  if (j < 4) {
    scale = masked(4 + j, 63), minimum = masked(8 + j, 63);
  } else {
    scale = either(masked(8 + j, 15), upper(j));
    minimum = either(arith::ShRUIOp::create(b, byteAt(8 + j), integer(4)), upper(4 + j));
  }
  Value factors = loadHalves(0, 2), d = real(scale, element(factors, 0)),
        offset = real(minimum, element(factors, 1));
  Value q = bits((hasFifthBits ? 48 : 16) + j / 2 * 32 + unit % 2 * 16, j % 2 * 4, 4);
  if (hasFifthBits)
    q = either(q, shiftLeft(bits(16 + unit % 2 * 16, j, 1), 4));
  return scaled(d, real(q), arith::NegFOp::create(b, offset));
}

/// 128 bytes of nibbles, 64 of bit pairs, 16 signed scales, d. Each half of 128 values has 64 bytes of
/// nibbles, the low ones first, and 32 of pairs, four runs of 32 from low to high.
Value Unpacker::sixBitValues(int64_t unit) {
  int64_t half = unit / 8, in = unit % 8;
  Value low = bits(half * 64 + in % 4 * 16, in / 4 * 4, 4);
  Value pair = bits(128 + half * 32 + in % 2 * 16, in / 2 * 2, 2);
  Value own = arith::ExtSIOp::create(b, b.getI32Type(), element(load(192 + unit, 1), 0));
  Value d = real(own, scale(208));
  return times(d, real(minus(either(low, shiftLeft(pair, 4)), 32)));
}

Value mlir::mlora::unpackSixteen(ImplicitLocOpBuilder &b, const ::mlora::BlockFormat &format, Value bytes,
                                 Value row, Value at, int64_t unit) {
  Unpacker unpacker(b, bytes, row, at);
  StringRef name(format.name);
  if (name == "F16")
    return unpacker.halves(unit);
  if (name == "BF16")
    return unpacker.bfloats(unit);
  if (name == "Q8_0")
    return unpacker.signedBytes(unit);
  if (name == "Q6_K")
    return unpacker.sixBitValues(unit);
  if (name.ends_with("_K"))
    return unpacker.sixBitScales(unit, /*hasFifthBits=*/name == "Q5_K");
  return unpacker.nibbles(unit, name.ends_with("_1"), name.starts_with("Q5"));
}
