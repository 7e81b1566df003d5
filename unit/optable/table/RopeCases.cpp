// Rotary embedding and its tables.

#include "CaseBuilder.h"

namespace optable {

void addRopeCases(Table &table) {
  for (auto [heads, width] : {std::pair<int64_t, int64_t>{3, 8}, {4, 16}, {1, 24}, {9, 64}, {5, 2}})
    for (const char *inverse : {"", "inverse"}) {
      std::string name =
          "rope_" + std::to_string(heads) + "_of_" + std::to_string(width) + (*inverse ? "_inverse" : "");
      table.push_back(makeCase("rope", name, {real("x", {Rows, heads * width}), real("t", {Rows, width})},
                               "%y = mlora.rope %x, %t heads " + std::to_string(heads) + " " + inverse +
                                   " : ($x, $t) -> $y",
                               {result("y", {Rows, heads * width})}));
    }

  struct Frequencies {
    const char *name;
    int64_t width, first;
    std::string attributes;
  };
  for (const Frequencies &f :
       {Frequencies{"default_8", 8, 0, "theta 1.0e+04"}, Frequencies{"default_64", 64, 0, "theta 5.0e+05"},
        Frequencies{"default_24", 24, 0, "theta 1.0e+04"}, Frequencies{"far", 16, 130000, "theta 1.0e+04"},
        Frequencies{"llama3_16", 16, 0, "theta 1.0e+04 llama3 [8.0, 1.0, 4.0, 64.0]"},
        Frequencies{"llama3_64", 64, 8000, "theta 5.0e+05 llama3 [32.0, 1.0, 4.0, 8192.0]"},
        Frequencies{"divisors_8", 8, 0, "theta 1.0e+04 divisors [1.0, 1.5, 3.0, 32.0]"}}) {
    std::vector<Execution> runs = packed();
    for (const Execution &run : generation())
      runs.push_back(run);
    table.push_back(makeCase(
        "rope_table", std::string("rope_table_") + f.name, {index("p", {Rows}, positions(f.first))},
        "%t = mlora.rope_table %p " + f.attributes + " : ($p) -> $t", {result("t", {Rows, f.width})}, runs));
  }
}

} // namespace optable
