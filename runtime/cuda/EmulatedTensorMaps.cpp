// cuTensorMapEncodeTiled, emulated: what the driver API reference says of each argument ("Tensor Map Object
// Management") is checked, and the map is the emulator's own.
#include "Emulation.h"

#include "mlora/Runtime/Emulator/TensorMap.h"

#include <cstring>

namespace mlora::cuda {
namespace {

constexpr const char *function = "cuTensorMapEncodeTiled";
constexpr uint32_t mostDimensions = 5, mostOfBox = 256, mostElementStride = 8, granule = 16;
constexpr uint64_t mostOfTensor = uint64_t(1) << 32, strideLimit = uint64_t(1) << 40;

[[noreturn]] void refuseMap(const std::string &argument, const std::string &why) {
  refuse(Result::InvalidValue, std::string(function) + ": " + argument + " " + why);
}

std::string place(const char *array, uint32_t i) {
  return std::string(array) + "[" + std::to_string(i) + "]";
}

void checkMultiple(const std::string &argument, uint64_t value, uint64_t of) {
  if (value % of)
    refuseMap(argument, "is " + std::to_string(value) + "; expected a multiple of " + std::to_string(of));
}

void checkBetween(const std::string &argument, uint64_t value, uint64_t least, uint64_t most) {
  if (value < least || value > most)
    refuseMap(argument, "is " + std::to_string(value) + "; expected " + std::to_string(least) + " to " +
                            std::to_string(most));
}

uint32_t elementBytesOf(TensorType type) {
  switch (type) {
  case TensorType::F16:
  case TensorType::BF16:
    return 2;
  case TensorType::F32:
    return 4;
  }
  refuseMap("tensorDataType", "is " + std::to_string(int(type)) + "; emulated are f16, f32 and bf16");
}

uint32_t spanOf(TensorSwizzle swizzle) {
  switch (swizzle) {
  case TensorSwizzle::None:
    return 0;
  case TensorSwizzle::Bytes32:
    return 32;
  case TensorSwizzle::Bytes64:
    return 64;
  case TensorSwizzle::Bytes128:
    return 128;
  }
  refuseMap("swizzle", "is " + std::to_string(int(swizzle)) + "; emulated are those of 16-byte chunks");
}

void checkModes(TensorInterleave interleave, TensorPromotion promotion, TensorFill fill) {
  if (interleave != TensorInterleave::None)
    refuseMap("interleave", "is " + std::to_string(int(interleave)) + "; emulated is none");
  if (int(promotion) < int(TensorPromotion::None) || int(promotion) > int(TensorPromotion::Bytes256))
    refuseMap("l2Promotion", "is " + std::to_string(int(promotion)) + "; expected 0 to 3");
  if (fill != TensorFill::Zeros)
    refuseMap("oobFill", "is " + std::to_string(int(fill)) + "; emulated is 0, zeros");
}

} // namespace

Result emulated_tensorMapEncodeTiled(TensorMap *map, TensorType type, uint32_t rank, void *address,
                                     const uint64_t *sizes, const uint64_t *strides, const uint32_t *box,
                                     const uint32_t *elementStrides, TensorInterleave interleave,
                                     TensorSwizzle swizzle, TensorPromotion promotion, TensorFill fill) {
  return guarded(function, [&](Emulation &) {
    emulator::TensorMap made;
    if (!map || !address || !sizes || !box || !elementStrides || (!strides && rank > 1))
      refuseMap("an argument", "is null");
    checkMultiple("the address of tensorMap", reinterpret_cast<uint64_t>(map), 64);
    checkBetween("tensorRank", rank, 1, mostDimensions);
    made.address = reinterpret_cast<uint64_t>(address);
    checkMultiple("globalAddress", made.address, granule);
    made.rank = uint8_t(rank);
    made.elementBytes = uint8_t(elementBytesOf(type));
    made.swizzle = uint8_t(spanOf(swizzle));
    checkModes(interleave, promotion, fill);
    for (uint32_t i = 0; i < rank; ++i) {
      checkBetween(place("globalDim", i), sizes[i], 1, mostOfTensor);
      if (sizes[i] == mostOfTensor)
        refuseMap(place("globalDim", i), "is 2^32, which is not emulated");
      checkBetween(place("boxDim", i), box[i], 1, mostOfBox);
      made.sizes[i] = uint32_t(sizes[i]);
      made.box[i] = box[i];
      if (i == 0)
        continue; // elements of a row lie side by side, whatever elementStrides[0] says
      checkBetween(place("elementStrides", i), elementStrides[i], 1, mostElementStride);
      if (elementStrides[i] != 1)
        refuseMap(place("elementStrides", i), "is not 1, which is not emulated");
      checkMultiple(place("globalStrides", i - 1), strides[i - 1], granule);
      checkBetween(place("globalStrides", i - 1), strides[i - 1], 0, strideLimit - 1);
      made.strides[i - 1] = strides[i - 1];
    }
    uint32_t rowBytes = box[0] * made.elementBytes;
    checkMultiple("boxDim[0] in bytes", rowBytes, granule);
    if (made.swizzle)
      checkBetween("boxDim[0] in bytes", rowBytes, granule, made.swizzle);
    static_assert(sizeof made == sizeof *map);
    std::memcpy(map->words, &made, sizeof made);
  });
}

} // namespace mlora::cuda
