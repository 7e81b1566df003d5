#include "CudaTensorMaps.h"

namespace mlora {
namespace {

cuda::TensorSwizzle swizzleOf(int64_t bytes) {
  switch (bytes) {
  case 32:
    return cuda::TensorSwizzle::Bytes32;
  case 64:
    return cuda::TensorSwizzle::Bytes64;
  case 128:
    return cuda::TensorSwizzle::Bytes128;
  default:
    return cuda::TensorSwizzle::None;
  }
}

} // namespace

std::vector<cuda::TensorMap> encodeTensorMaps(const cuda::Table &table, const Kernel &kernel,
                                              const std::vector<cuda::DevicePointer> &addresses,
                                              const Scalars &scalars) {
  std::vector<cuda::TensorMap> maps;
  for (const TensorMap &map : kernel.tensorMaps) {
    cuda::TensorMap &made = maps.emplace_back();
    if (map.rows.at(scalars) == 0)
      continue; // the driver makes no map of nothing, and nothing is copied of it
    // The driver counts dimensions from the innermost.
    uint64_t sizes[] = {uint64_t(map.columns), uint64_t(map.rows.at(scalars))};
    uint64_t strides[] = {uint64_t(map.columns * bytesOf(ElementType::BF16))};
    uint32_t box[] = {uint32_t(map.boxColumns), uint32_t(map.boxRows)}, steps[] = {1, 1};
    check(
        table,
        table.driver.tensorMapEncodeTiled(&made, cuda::TensorType::BF16, 2,
                                          reinterpret_cast<void *>(addresses[size_t(map.buffer)]), sizes,
                                          strides, box, steps, cuda::TensorInterleave::None,
                                          swizzleOf(map.swizzle), cuda::TensorPromotion::Bytes128,
                                          cuda::TensorFill::Zeros),
        ("cuTensorMapEncodeTiled of argument " + std::to_string(map.buffer) + " of " + kernel.name).c_str());
  }
  return maps;
}

} // namespace mlora
