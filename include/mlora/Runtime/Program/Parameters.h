// The trainable tensors of a program by the names of the files, and the frozen weights that it needs.
#pragma once

#include "mlora/Runtime/Model/Checkpoint.h"
#include "mlora/Runtime/Program/Program.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace mlora {

/// Fills every weight buffer (but borrowed ones) from the checkpoint's tensor of its name, rounded to the nearest where the
/// buffer is bf16, or as its blocks are stored. Throws Error(BadInput) when the checkpoint lacks a tensor or has it in another
/// shape.
void loadWeights(Program &program, const Checkpoint &checkpoint);

/// Which of the three values of a trainable element.
enum class ParameterPart { Value, Moment1, Moment2, Gradient };

/// One trainable tensor, as files name it.
struct ParameterTensor {
  std::string name;
  std::vector<int64_t> shape;
  const ParameterView *view; ///< of the manifest
  int64_t slot;

  int64_t elements() const;
};

/// Reads and writes trainable tensors; what lies between them in their buffers (padding) stays zero.
class Parameters {
public:
  explicit Parameters(Program &program);

  /// Layer by layer, in the manifest's order.
  const std::vector<ParameterTensor> &tensors() const { return list; }
  const ParameterTensor *find(const std::string &name) const;
  int64_t elements() const;

  /// `values` in row-major order.
  void write(const ParameterTensor &tensor, ParameterPart part, std::span<const float> values);
  std::vector<float> read(const ParameterTensor &tensor, ParameterPart part) const;

  /// Every parameter from a tensor of the checkpoint of the same name (method=ft).
  void load(const Checkpoint &checkpoint);

private:
  int bufferOf(const ParameterTensor &tensor, ParameterPart part) const;

  Program &program;
  std::vector<ParameterTensor> list;
  std::unordered_map<std::string, size_t> byName;
};

} // namespace mlora
