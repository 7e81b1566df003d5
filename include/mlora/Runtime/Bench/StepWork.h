// The matrix products of a training step: the work that no implementation can leave out.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"
#include "mlora/Runtime/Model/ModelConfig.h"

#include <vector>

namespace mlora {

/// How a product uses its operands.
enum class ProductKind {
  Forward,        ///< [m, k] [n, k]ᵀ: y = x Wᵀ
  InputGradient,  ///< [m, k] [k, n]: dx = dy W
  TokenReduction, ///< [k, m]ᵀ [k, n]: dÃ = uᵀ x, summed over tokens
};

struct Product {
  int64_t m, n, k;
  ProductKind kind;
  double flops() const { return 2.0 * double(m) * double(n) * double(k); }
};

/// One layer's products, and the head's, for `rows` tokens with every label counted. An adapted projection
/// counts as the stacked form has it: rank n·r rides along in forward and input gradient, and four skinny
/// products. Attention, norms, activations and the optimizer are left out, as in
/// shared/anchors/gemm_floor.cpp.
struct StepWork {
  std::vector<Product> layer, head;
  int64_t layers = 0;

  /// `adapter` describes it; null: method=ft.
  StepWork(const ModelConfig &config, const Adapter *adapter, int64_t rows);
  double flops() const;
};

} // namespace mlora
