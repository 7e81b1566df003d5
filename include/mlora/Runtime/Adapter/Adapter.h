// An adapter in memory: n parallel branches of rank r on some projections of every layer (paper, equation 4).
#pragma once

#include "mlora/Runtime/Model/ModelConfig.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

struct AdapterTensor {
  std::vector<int64_t> shape;
  std::vector<float> values; ///< row-major
};

/// Δy = sum_i c · diag(s_i) · B_i · A_i · x with c = alpha / rank. A is [rank, in], B [out, rank], s [out];
/// method `lora` has one branch and no s.
struct Adapter {
  std::string method = "multilora"; ///< or "lora"
  int64_t numBranches = 1, rank = 0, numLayers = 0;
  double alpha = 0;
  bool scalingsDiffer = false; ///< PEFT's modules had several, which are multiplied into B
  std::vector<std::string> targets;             ///< "q_proj", … in a layer's order
  std::string baseModel;                        ///< path or name of the base it was trained on
  std::string baseFingerprint;                  ///< Checkpoint::fingerprint of that base; empty when unknown
  std::map<std::string, AdapterTensor> tensors; ///< by adapterTensorName

  double scaling() const { return alpha / static_cast<double>(rank); }
  bool hasScales() const { return method == "multilora"; }
  const AdapterTensor &tensor(int64_t layer, std::string_view target, int64_t branch, char part) const;
};

/// "layers.3.q_proj.branch.0.A"; part is 'A', 'B' or 's'.
std::string adapterTensorName(int64_t layer, std::string_view target, int64_t branch, char part);

/// Name and shape of every tensor that an adapter of these sizes has on this model, in the order layer,
/// target, branch, A, B, s.
struct AdapterTensorSpec {
  std::string name;
  int64_t layer, branch;
  std::string target;
  char part;
  std::vector<int64_t> shape;
};
std::vector<AdapterTensorSpec> adapterTensors(const Adapter &adapter, const ModelConfig &config);

/// Throws Error(BadInput), its message beginning with `where`, unless the adapter has exactly the tensors
/// that its sizes imply on this model.
void checkAdapter(const Adapter &adapter, const ModelConfig &config, const std::string &where);
/// Without the model: the tensors are those that the configuration names, and fit one another.
void checkAdapter(const Adapter &adapter, const std::string &where);

/// Throws Error(BadInput) when the adapter was trained on another base than the one of this fingerprint.
void checkBase(const Adapter &adapter, const std::string &fingerprint, const std::string &where);
/// The same for an adapter that knows this much of its base; an empty `trainedOn` passes.
void checkBase(const std::string &trainedOn, const std::string &baseModel, const std::string &fingerprint,
               const std::string &where);

/// Targets in a layer's order, each once. Throws when one matches no projection, or none is given.
std::vector<std::string> orderedTargets(const std::vector<std::string> &targets);

/// What a fresh adapter is made of.
struct AdapterShape {
  std::string method = "multilora";
  int64_t numBranches = 3, rank = 32;
  double alpha = 32;
  std::vector<std::string> targets;
};

/// A fresh adapter, which changes nothing: A and B Kaiming-uniform (a = sqrt(5): within 1/sqrt(fan_in),
/// fan_in the last dimension), s zero; for `lora` B zero. Element i of a tensor depends on seed, the tensor's
/// name and i alone.
Adapter initialAdapter(const ModelConfig &config, const AdapterShape &shape, uint64_t seed);

} // namespace mlora
