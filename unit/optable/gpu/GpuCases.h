// A group of cases, compiled for a GPU: all that running them needs besides the code.
#pragma once

#include "Steps.h"
#include "mlora/Runtime/Program/Manifest.h"

#include <map>
#include <nlohmann/json.hpp>

namespace optable {

/// What a kernel's launch needs besides its grid.
struct GpuKernel {
  std::string symbol;
  unsigned threads = 0;
  size_t sharedBytes = 0, scratchBytes = 0; ///< of a block; scratch is global memory
  std::vector<mlora::TensorMap> tensorMaps = {};
};

struct GpuCases {
  std::map<std::string, Steps> functions;
  std::map<std::string, GpuKernel> kernels;

  nlohmann::json toJson() const;
  static GpuCases fromJson(const nlohmann::json &json);
};

} // namespace optable
