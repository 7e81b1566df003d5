// The modules of a PEFT LoRA, found and checked; values are read when they are asked for.
#pragma once

#include "mlora/Runtime/Adapter/AdapterSource.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <optional>

namespace mlora {

/// One adapted module as the files have it: ΔW = scaling · b · a.
struct PeftModule {
  int64_t layer;
  std::string target;
  int64_t rank;
  double scaling;
  const SafetensorsEntry *a, *b;
};

class PeftModules {
public:
  /// Throws Error(BadInput) for variants that are no plain LoRA, tensors that belong to no projection of the
  /// model, and shapes that do not fit. Without a model (null), shapes must fit one another.
  PeftModules(const std::filesystem::path &folder, const ModelConfig *config);

  /// In the order layer, projection.
  const std::vector<PeftModule> &modules() const { return found; }
  int64_t numLayers() const { return layers; }
  const SafetensorsFile &file() const { return tensors; }
  std::string baseModel() const { return fields.optionalString("base_model_name_or_path").value_or(""); }

private:
  void findModules();
  std::optional<PeftModule> findModule(int64_t layer, const std::string &target) const;

  int64_t layersNamed() const;

  const ModelConfig *config;
  RowJson root; ///< patterns have an order
  RowFields fields;
  SafetensorsFile tensors;
  std::vector<PeftModule> found;
  int64_t layers = 0; ///< the model's, or as many as tensors name
};

/// The number that a `rank_pattern` or `alpha_pattern` gives to a module, by PEFT's rule: a key is a regular
/// expression for the end of the module's name behind a dot, or for all of it; the first of the file that
/// matches. `otherwise` where none does.
double peftPattern(const RowFields &fields, const char *key, const std::string &module, double otherwise);

} // namespace mlora
