//===- Touches.h - what launches that run at once do to memory ---------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"

namespace mlir::mlora {

/// Rows and columns of a matrix.
struct Window {
  int64_t row, column, rows, columns;
};

/// Something that a kernel reads or writes.
struct Touch {
  unsigned operand; ///< the place in a launch: the kernel's operands, then its results
  bool isWrite;
  std::optional<Window> window; ///< all of it where there is none
};

/// Operands that ops look at through windows, or only place parts into, are touched there alone.
SmallVector<Touch> touchesOf(KernelOp kernel);

/// Launches whose blocks run in any order: none may touch what another one writes.
class LaunchesAtOnce {
public:
  /// What two launches touch and one of them writes.
  struct Clash {
    Value memory;
    KernelOp other;
    bool isOfLayers; ///< it is the same launch for another layer
  };

  /// Adds a launch for each of some layers, on these memories in the order of a launch; of those that are
  /// `perLayer` each layer has its own part. None is added where one clashes.
  std::optional<Clash> add(KernelOp kernel, ValueRange memories, const llvm::BitVector &perLayer,
                           int64_t layers);

private:
  struct Known {
    Value memory;
    KernelOp kernel;
    Touch touch;
  };
  SmallVector<Known> known;
};

} // namespace mlir::mlora
