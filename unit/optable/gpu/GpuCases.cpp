#include "GpuCases.h"

namespace optable {

static nlohmann::json toJson(const std::vector<mlora::TensorMap> &maps) {
  nlohmann::json json = nlohmann::json::array();
  for (const mlora::TensorMap &map : maps)
    json.push_back({map.argument, map.buffer, map.rows.size, map.rows.scalar, map.columns, map.boxRows, map.boxColumns,
                    map.swizzle});
  return json;
}

static std::vector<mlora::TensorMap> tensorMapsFrom(const nlohmann::json &json) {
  std::vector<mlora::TensorMap> maps;
  for (const nlohmann::json &map : json)
    maps.push_back({map.at(0), map.at(1), {map.at(2), map.at(3)}, map.at(4), map.at(5), map.at(6), map.at(7)});
  return maps;
}

nlohmann::json GpuCases::toJson() const {
  nlohmann::json json;
  for (const auto &[name, kernel] : kernels)
    json["kernels"][name] = {kernel.symbol, kernel.threads, kernel.sharedBytes, kernel.scratchBytes,
                             optable::toJson(kernel.tensorMaps)};
  for (const auto &[name, steps] : functions) {
    nlohmann::json &made = json["functions"][name];
    for (const Memory &memory : steps.memories)
      made["memories"].push_back({memory.shape, int(memory.element)});
    for (const Launch &launch : steps.launches)
      made["launches"].push_back({launch.kernel, launch.grid, launch.buffers, launch.operands});
    made["returned"] = steps.returned;
  }
  return json;
}

GpuCases GpuCases::fromJson(const nlohmann::json &json) {
  GpuCases cases;
  for (const auto &[name, kernel] : json.at("kernels").items())
    cases.kernels[name] = {kernel.at(0), kernel.at(1), kernel.at(2), kernel.at(3), tensorMapsFrom(kernel.at(4))};
  for (const auto &[name, function] : json.at("functions").items()) {
    Steps &steps = cases.functions[name];
    for (const nlohmann::json &memory : function.at("memories"))
      steps.memories.push_back({memory.at(0), Element(memory.at(1).get<int>())});
    for (const nlohmann::json &launch : function.at("launches"))
      steps.launches.push_back({launch.at(0), launch.at(1), launch.at(2), launch.at(3)});
    function.at("returned").get_to(steps.returned);
  }
  return cases;
}

} // namespace optable
