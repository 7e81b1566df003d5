//===- Buffers.h - the arguments of an mlora.emulate ---------------------------------===//

#pragma once

#include "mlora/Dialect/MLora.h"
#include "mlora/Reference/Interpreter.h"
#include "mlora/Runtime/Emulator/GlobalMemory.h"
#include "mlora/Runtime/Emulator/TensorMap.h"

namespace mlir::mlora {

/// A buffer of global memory: how it begins and what it must become.
struct EmulatedBuffer {
  unsigned argument;
  RankedTensorType type;
  reference::Tensor initial;
  std::optional<reference::Tensor> expected;
  bool expectSame = false;      ///< what the first seed gave
  bool isUninitialised = false; ///< nothing that a kernel may read
  double tolerance = 1e-5;

  size_t bytes() const;
  void store(char *memory) const;
  double element(const char *memory, int64_t index) const;
};

/// Reads and checks the buffers of an op; evaluates the functions that say what is expected.
FailureOr<std::vector<EmulatedBuffer>> readBuffers(EmulateOp op);

/// The tensor map that argument `argument` asks for, of a buffer at `address` there.
FailureOr<::mlora::emulator::TensorMap>
readTensorMap(EmulateOp op, unsigned argument, ArrayRef<EmulatedBuffer> buffers, ArrayRef<char *> memory);

/// Compares memory with what is expected; the first difference is an error of the op.
LogicalResult compare(EmulateOp op, const EmulatedBuffer &buffer, const char *memory, uint64_t seed);

} // namespace mlir::mlora
