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
/// products. The lowest layer has no dx of what nothing trained stands before. Attention, norms, activations
/// and the optimizer are left out.
///
/// A manifest's `flops_per_row` count what a program runs, with what it recomputes and without shapes; these
/// are the shapes that OpenBLAS is asked to run, of the configuration alone.
struct StepWork {
  std::vector<Product> layer, lowest, head;
  int64_t layers = 0;

  /// `adapter` describes it; null: method=ft. One without targets (method=none): forward, and every dx down
  /// to the embedding's output.
  StepWork(const ModelConfig &config, const Adapter *adapter, int64_t rows);
  double flops() const;
};

} // namespace mlora
