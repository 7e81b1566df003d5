// The base with the weights that method=ft has trained so far, seen as a checkpoint.
#pragma once

#include "mlora/Runtime/Model/Checkpoint.h"
#include "mlora/Runtime/Program/Parameters.h"

namespace mlora {

class TrainedCheckpoint : public Checkpoint {
public:
  /// Both must outlive it.
  TrainedCheckpoint(const Checkpoint &base, const Parameters &trained) : base(base), trained(trained) {}

  const ModelConfig &config() const override { return base.config(); }
  const std::filesystem::path &path() const override { return base.path(); }
  const std::vector<TensorInfo> &tensors() const override { return base.tensors(); }
  std::string fingerprint() const override { return base.fingerprint(); }
  void read(const std::string &name, std::span<float> out) const override;
  void readRows(const std::string &name, int64_t firstRow, int64_t rows, std::span<float> out) const override;

private:
  const Checkpoint &base;
  const Parameters &trained;
};

} // namespace mlora
