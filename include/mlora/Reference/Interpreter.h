//===- Interpreter.h - what the ops mean, in f64 -----------------------------------===//
//
// Written to be read, not to be fast: one short function an op, its formula above it. Everything else is
// tested against it. Values are f64 whatever a tensor's type: what storing as f32 or bf16 rounds off is no
// part of what an op means, but what a tolerance is for.

#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include <vector>

namespace mlir::mlora::reference {

/// A row-major tensor; indices are stored as exact doubles.
struct Tensor {
  Tensor() = default;
  explicit Tensor(ArrayRef<int64_t> shape) : shape(shape), data(ShapedType::getNumElements(shape)) {}
  static Tensor scalar() { return Tensor(ArrayRef<int64_t>()); }
  static Tensor vector(int64_t rows) { return Tensor(ArrayRef<int64_t>(rows)); }

  int64_t rows() const { return shape.empty() ? 1 : shape[0]; }
  int64_t columns() const { return shape.size() < 2 ? 1 : shape[1]; }
  double &operator()(int64_t i) { return data[i]; }
  double operator()(int64_t i) const { return data[i]; }
  double &operator()(int64_t i, int64_t j) { return data[i * columns() + j]; }
  double operator()(int64_t i, int64_t j) const { return data[i * columns() + j]; }
  int64_t index(int64_t i) const { return int64_t(data[i]); }

  SmallVector<int64_t> shape;
  std::vector<double> data;
};

using Tensors = SmallVector<Tensor>;

/// Runs a `func.func` or `mlora.kernel`; what cannot run is an error at its op.
FailureOr<Tensors> evaluate(FunctionOpInterface function, ArrayRef<Tensor> arguments);

} // namespace mlir::mlora::reference
