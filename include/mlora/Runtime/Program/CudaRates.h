// What a GPU can do at best, measured by the calls that programs make: cuBLASLt's products, and copies.
#pragma once

#include "mlora/Runtime/Program/Manifest.h"

#include <memory>

namespace mlora::cuda {
struct Table;
}

namespace mlora {

class CudaRates {
public:
  /// On the table's first GPU; its cuBLASLt is loaded. Throws Error where there is none.
  explicit CudaRates(cuda::Table &table);
  ~CudaRates();
  CudaRates(const CudaRates &) = delete;
  CudaRates &operator=(const CudaRates &) = delete;

  const std::string &name() const;
  /// Bytes of its memory that are free now.
  int64_t freeBytes() const;

  struct Product {
    int64_t m, n, k;
    bool isTransposed = false; ///< y = a·w instead of a·wᵀ
    ElementType type = ElementType::BF16;
    auto operator<=>(const Product &) const = default;
  };
  /// Seconds of one, the mean over `repeats` behind each other, by the algorithm that a program would take.
  /// Operands are random numbers: zeros would be faster on a chip that is limited by its power.
  double secondsOf(const Product &product, int repeats = 10);
  /// Bytes read and written a second by copies of so many bytes.
  double copyRate(int64_t bytes = int64_t(1) << 30);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace mlora
