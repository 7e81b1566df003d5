// cuBLASLt's descriptors as the emulator keeps them, and a product that they describe, checked.
#pragma once

#include "Emulation.h"

namespace mlora::cuda {

struct BlasLt {};

struct MatmulDesc {
  ComputeType compute;
  DataType scale;
  int32_t pointerMode = 0;
  Transposition transA = Transposition::None, transB = Transposition::None, transC = Transposition::None;
};

struct MatrixLayout {
  DataType type;
  Order order = Order::Columns;
  uint64_t rows, columns;
  int64_t leadingDimension;
  int32_t batchCount = 1;
};

struct Preference {
  uint64_t workspaceBytes = 0;
  uint32_t alignment[4] = {256, 256, 256, 256}; ///< of A, B, C, D
  uint32_t reductionSchemes = 7;                ///< bits of ReductionScheme
};

/// What is alive; anything else is a destroyed or foreign descriptor.
struct BlasObjects {
  std::set<const void *> handles, descs, layouts, preferences;
  static BlasObjects &get();
};

/// What cuBLASLt would refuse; the text names descriptor and field.
struct BlasRefusal {
  BlasStatus status;
  std::string text;
};

[[noreturn]] inline void refuseBlas(BlasStatus status, const std::string &text) {
  throw BlasRefusal{status, text};
}

/// A matrix as its product sees it: op(X) has `rows` by `columns`.
struct Operand {
  const char *name; ///< A, B, C, D
  MatrixLayout layout;
  Transposition transposition;
  uint64_t rows, columns;

  /// Elements between element (0, 0) of op(X) and element (i, j).
  int64_t offset(uint64_t i, uint64_t j) const {
    if (transposition != Transposition::None)
      std::swap(i, j);
    if (layout.order == Order::Rows)
      std::swap(i, j);
    return int64_t(i) + int64_t(j) * layout.leadingDimension;
  }
  size_t elementBytes() const { return layout.type == DataType::F32 ? 4 : 2; }
  /// From the first element to behind the last one.
  size_t bytes() const;
};

/// A product whose descriptors agree with one another; throws BlasRefusal.
struct Problem {
  Problem(const MatmulDesc *desc, const MatrixLayout *a, const MatrixLayout *b, const MatrixLayout *c,
          const MatrixLayout *d);

  Operand a, b, c, d;
  uint64_t m, n, k;
};

/// What an emulated algorithm demands, in its opaque words.
struct AlgorithmNeeds {
  uint64_t mark, workspaceBytes, alignment[4];
  uint64_t scheme;         ///< a ReductionScheme
  uint64_t columnMultiple; ///< of op(B): a number of them that it does not divide is refused
  static constexpr uint64_t expected = 0x6d616c676f000001;
};
static_assert(sizeof(AlgorithmNeeds) <= sizeof(Algorithm));

/// D = alpha op(A) op(B) + beta C: products and sums in f32, in the order of k. Under OutputType, the sums of
/// the halves of K are each rounded to D's type before they are added.
void multiply(const Problem &problem, ReductionScheme scheme, float alpha, const void *a, const void *b,
              float beta, const void *c, void *d);

} // namespace mlora::cuda
