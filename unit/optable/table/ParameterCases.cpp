// The optimizer.

#include "CaseBuilder.h"

namespace optable {

void addParameterCases(Table &table) {
  // Rate, β1, β2, ε, weight decay, 1 - β1^t, 1 - β2^t, scale of the gradient.
  const std::pair<const char *, std::vector<double>> hypers[] = {
      {"first_step", {1e-2, 0.9, 0.999, 1e-8, 0, 0.1, 0.001, 0.01}},
      {"later_with_decay", {1e-3, 0.9, 0.999, 1e-8, 0.1, 0.65, 0.02, 1}},
      {"other_betas", {0.1, 0.8, 0.95, 1e-3, 0.01, 0.5, 0.25, 3}},
      {"rate_0", {0, 0, 0, 1e-8, 0, 1, 1, 0.25}},
  };
  const std::pair<const char *, Shape> shapes[] = {
      {"matrix", {37, 24}}, {"tall", {172, 1}}, {"vector", {37}}, {"blocks", {130, 15}}};
  for (const auto &[hyperName, hyper] : hypers)
    for (const auto &[shapeName, shape] : shapes)
      for (bool isInPlace : {false, true}) {
        auto updated = [&](std::string name) {
          return isInPlace ? inPlace(name + "1", shape, name) : result(name + "1", shape);
        };
        table.push_back(makeCase(
            "adamw", std::string("adamw_") + hyperName + "_" + shapeName + (isInPlace ? "_in_place" : ""),
            {real("p", shape), real("g", shape), real("m", shape, uniform(-0.1, 0.1)),
             real("v", shape, uniform(0, 0.1)), real("hyper", {8}, these(hyper))},
            "%p1, %m1, %v1 = mlora.adamw %p, %g, %m, %v, %hyper : $p, $hyper",
            {updated("p"), updated("m"), updated("v")}, once()));
        if (shape == Shape{130, 15} || hyperName != hypers[1].first)
          break; // in place once a shape
      }
}

} // namespace optable
