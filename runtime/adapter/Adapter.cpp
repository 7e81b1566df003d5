#include "mlora/Runtime/Adapter/Adapter.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/ModelTensors.h"

#include <algorithm>
#include <set>

namespace mlora {

std::string adapterTensorName(int64_t layer, std::string_view target, int64_t branch, char part) {
  return "layers." + std::to_string(layer) + "." + std::string(target) + ".branch." + std::to_string(branch) +
         "." + part;
}

const AdapterTensor &Adapter::tensor(int64_t layer, std::string_view target, int64_t branch,
                                     char part) const {
  std::string name = adapterTensorName(layer, target, branch, part);
  auto found = tensors.find(name);
  if (found == tensors.end())
    badInput("the adapter has no tensor '" + name + "'");
  return found->second;
}

std::vector<AdapterTensorSpec> adapterTensors(const Adapter &adapter, const ModelConfig &config) {
  std::vector<AdapterTensorSpec> specs;
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (const std::string &target : adapter.targets) {
      auto [out, in] = projectionShape(config, target);
      for (int64_t branch = 0; branch < adapter.numBranches; ++branch) {
        auto add = [&](char part, std::vector<int64_t> shape) {
          specs.push_back({adapterTensorName(layer, target, branch, part), layer, branch, target, part,
                           std::move(shape)});
        };
        add('A', {adapter.rank, in});
        add('B', {out, adapter.rank});
        if (adapter.hasScales())
          add('s', {out});
      }
    }
  return specs;
}

void checkAdapter(const Adapter &adapter, const ModelConfig &config, const std::string &where) {
  if (adapter.numLayers != config.numLayers)
    badInput(where + ": the adapter has " + std::to_string(adapter.numLayers) + " layers, the model " +
             std::to_string(config.numLayers) + ": they do not belong together");
  std::set<std::string> expected;
  for (const AdapterTensorSpec &spec : adapterTensors(adapter, config)) {
    auto found = adapter.tensors.find(spec.name);
    if (found == adapter.tensors.end())
      badInput(where + ": tensor '" + spec.name + "' is missing");
    if (found->second.shape != spec.shape)
      badInput(where + ": tensor '" + spec.name + "' is " + shapeText(found->second.shape) +
               "; on this model " + shapeText(spec.shape) + " is expected");
    expected.insert(spec.name);
  }
  for (const auto &[name, tensor] : adapter.tensors)
    if (!expected.count(name))
      badInput(where + ": tensor '" + name + "' is unexpected: the configuration implies no such tensor");
}

void checkAdapter(const Adapter &adapter, const std::string &where) {
  // The numbers may be any: nothing is counted up to them that is not there.
  size_t parts = adapter.hasScales() ? 3 : 2;
  double expected = double(adapter.numLayers) * double(adapter.targets.size()) * double(adapter.numBranches) *
                    double(parts);
  if (adapter.numLayers < 1 || expected != double(adapter.tensors.size()))
    badInput(where + ": holds " + std::to_string(adapter.tensors.size()) +
             " tensors; by the configuration there are " + std::to_string(adapter.numLayers) +
             " layers with " + std::to_string(adapter.targets.size()) + " targets of " +
             std::to_string(adapter.numBranches) + " branches, " + std::to_string(parts) + " tensors each");
  for (int64_t layer = 0; layer < adapter.numLayers; ++layer)
    for (const std::string &target : adapter.targets) {
      int64_t in = -1, out = -1; // the first branch's
      for (int64_t branch = 0; branch < adapter.numBranches; ++branch)
        for (char part : std::string_view("ABs").substr(0, parts)) {
          std::string name = adapterTensorName(layer, target, branch, part);
          auto found = adapter.tensors.find(name);
          if (found == adapter.tensors.end())
            badInput(where + ": tensor '" + name + "' is missing");
          const std::vector<int64_t> &shape = found->second.shape;
          if (part == 'A' && in < 0 && shape.size() == 2)
            in = shape[1];
          if (part == 'B' && out < 0 && shape.size() == 2)
            out = shape[0];
          std::vector<int64_t> fitting = part == 'A'   ? std::vector{adapter.rank, in}
                                         : part == 'B' ? std::vector{out, adapter.rank}
                                                       : std::vector{out};
          if (shape != fitting)
            badInput(where + ": tensor '" + name + "' is " + shapeText(shape) + ", which does not fit rank " +
                     std::to_string(adapter.rank) + " and the tensors beside it");
        }
    }
}

void checkBase(const Adapter &adapter, const std::string &fingerprint, const std::string &where) {
  checkBase(adapter.baseFingerprint, adapter.baseModel, fingerprint, where);
}

void checkBase(const std::string &trainedOn, const std::string &baseModel, const std::string &fingerprint,
               const std::string &where) {
  if (!trainedOn.empty() && trainedOn != fingerprint)
    badInput(where + ": was trained on another base (fingerprint " + trainedOn +
             (baseModel.empty() ? "" : ", " + baseModel) + ") than the one given (" + fingerprint +
             "): give the base that it was trained on");
}

Adapter asMultiLora(Adapter lora) {
  if (lora.method != "lora")
    return lora;
  lora.method = "multilora";
  for (int64_t layer = 0; layer < lora.numLayers; ++layer)
    for (const std::string &target : lora.targets) {
      int64_t out = lora.tensor(layer, target, 0, 'B').shape[0];
      lora.tensors[adapterTensorName(layer, target, 0, 's')] = {
          {out}, std::vector<float>(static_cast<size_t>(out), 1.0f)};
    }
  return lora;
}

std::vector<std::string> orderedTargets(const std::vector<std::string> &targets) {
  if (targets.empty())
    badInput("no target modules: at least one projection is needed");
  for (const std::string &target : targets)
    if (!isProjection(target))
      badInput("target module '" + target +
               "' matches nothing: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj and down_proj exist");
  std::vector<std::string> ordered;
  for (std::string_view projection : projections)
    if (std::find(targets.begin(), targets.end(), projection) != targets.end())
      ordered.emplace_back(projection);
  return ordered;
}

} // namespace mlora
