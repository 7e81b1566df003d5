// W + Δ, or a trained weight, as it is stored, and what rounding left of the update Δ.
#pragma once

#include <cstdint>
#include <string>

namespace mlora {

/// Named as safetensors and GGUF name them.
enum class StoreFormat { F32, F16, BF16, Q8_0 };

StoreFormat storeFormat(const std::string &dtype); ///< of "F32", "F16", "BF16", "Q8_0"
const char *storeName(StoreFormat format);

/// Sums over elements; those of parts add up.
struct UpdateSums {
  double update = 0; ///< Σ Δ²
  double lost = 0;   ///< Σ (stored(W + Δ) − stored(W) − Δ)²
  double along = 0;  ///< Σ (stored(W + Δ) − stored(W)) · Δ
  int64_t changed = 0, elements = 0;
  void add(const UpdateSums &other);
};

/// A piece of a tensor: `count` values in whole rows of `columns` (which Q8_0 wants a multiple of 32).
struct StorePiece {
  const float *weight = nullptr; ///< W
  const float *update = nullptr; ///< Δ; null: there is none, and nothing is summed
  const float *result = nullptr; ///< what is stored, Δ being its distance from W; null: W + Δ
  int64_t count = 0;
  uint8_t *out = nullptr;  ///< storedSize(format, count) bytes
  bool stochastic = false; ///< rounding up with the probability of the distance to the value below
  uint32_t key = 0;        ///< of the random numbers of this tensor
  int64_t first = 0;       ///< element of the tensor that the piece begins with
};

/// Stores a piece. `overflow` is set when a finite value does not fit into the format.
UpdateSums storePiece(StoreFormat format, const StorePiece &piece, bool &overflow);

} // namespace mlora
