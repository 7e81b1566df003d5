// Sums over tokens, and totals. Widths above 256 are more than one tile.

#include "CaseBuilder.h"

namespace optable {

void addSumCases(Table &table) {
  struct Outer {
    const char *name;
    int64_t left, right, columns, first, rows;
  };
  for (const Outer &o :
       {Outer{"wide_left", 172, 24, 24, 0, Rows}, Outer{"part_of_right", 37, 24, 8, 5, Rows},
        Outer{"wide_right", 15, 96, 96, 0, Rows}, Outer{"one_column", 1, 37, 1, 36, Rows},
        Outer{"two_tiles_left", 300, 24, 24, 0, Rows}, Outer{"two_tiles_right", 24, 300, 299, 1, Rows},
        Outer{"counted", 300, 37, 37, 0, CountedRows},
        // Rows of whole 16 bytes in bf16, which sm_90a copies as tensors: tiles of both shapes, and parts of them.
        Outer{"aligned_left", 328, 40, 40, 0, Rows}, Outer{"aligned_right", 24, 304, 296, 8, Rows},
        Outer{"aligned_odd", 136, 24, 21, 3, Rows}, Outer{"aligned_wide", 160, 136, 136, 0, CountedRows}}) {
    std::string from = o.first ? " from " + std::to_string(o.first) : "";
    table.push_back(makeCase("token_outer", std::string("token_outer_") + o.name,
                             {real("a", {o.rows, o.left}), real("b", {o.rows, o.right})},
                             "%y = mlora.token_outer %a, %b" + from + " : ($a, $b) -> $y",
                             {gradient("y", {o.left, o.columns})}, sums()));
  }
  // Sums of a function are one kernel; each has its blocks.
  table.push_back(makeCase(
      "token_outer", "token_outer_three",
      {real("a", {Rows, 300}), real("b", {Rows, 24}), real("c", {Rows, 37}), real("r", {Rows}, uniform(0.5, 2))},
      R"(%x = mlora.token_outer %a, %b : ($a, $b) -> $x
%n = mlora.rms_norm.weight_grad %a, %a scale %r : ($a, $a, $r) -> $n
%y = mlora.token_outer %c, %b from 12 : ($c, $b) -> $y
%z = mlora.token_outer %c, %a : ($c, $a) -> $z)",
      {gradient("x", {300, 24}), gradient("n", {300}), gradient("y", {37, 12}), gradient("z", {37, 300})},
      sums()));
  table.push_back(makeCase("token_outer", "token_outer_three_aligned",
                           {real("a", {Rows, 328}), real("b", {Rows, 24}), real("c", {Rows, 136})},
                           R"(%x = mlora.token_outer %a, %b : ($a, $b) -> $x
%y = mlora.token_outer %c, %a : ($c, $a) -> $y
%z = mlora.token_outer %b, %c from 8 : ($b, $c) -> $z)",
                           {gradient("x", {328, 24}), gradient("y", {136, 328}), gradient("z", {24, 128})}, sums()));
  for (auto [width, rows] : {std::pair<int64_t, int64_t>{24, Rows}, {37, Rows}, {172, CountedRows}, {300, Rows}})
    table.push_back(makeCase("rms_norm.weight_grad", "rms_norm_weight_grad_" + std::to_string(width),
                             {real("dy", {rows, width}), real("x", {rows, width}), real("r", {rows}, uniform(0.5, 2))},
                             "%dw = mlora.rms_norm.weight_grad %dy, %x scale %r : ($dy, $x, $r) -> $dw",
                             {gradient("dw", {width})}, sums()));

  for (int64_t rows : {int64_t(Rows), int64_t(CountedRows), int64_t(37)})
    table.push_back(makeCase("sum", std::string("sum_") + (rows > 0 ? "static" : extentName(rows)),
                             {real("x", {rows}, uniform(0, 1))}, "%y = mlora.sum %x : ($x) -> $y",
                             {result("y", {})}));
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{37, 24}, {172, 15}, {24, 1}, {1, 300}})
    table.push_back(makeCase("square_sum",
                             "square_sum_" + std::to_string(rows) + "_" + std::to_string(columns),
                             {real("x", {rows, columns})}, "%y = mlora.square_sum %x : ($x) -> $y",
                             {result("y", {rows})}, once()));
  for (int64_t rows : {1, 37, 172})
    table.push_back(makeCase("square_sum", "square_sum_vector_" + std::to_string(rows), {real("x", {rows})},
                             "%y = mlora.square_sum %x : ($x) -> $y", {result("y", {rows})}, once()));
  table.push_back(makeCase(
      "norm", "norm_of_many",
      {real("a", {37}, uniform(0, 1)), real("b", {1}, uniform(0, 1)), real("c", {300}, uniform(0, 1e3)),
       real("d", {24, 5}, uniform(0, 1)), real("e", {}, uniform(0, 1))},
      "%y = mlora.norm %a, %b, %c, %d, %e : ($a, $b, $c, $d, $e) -> $y", {result("y", {})}, once()));
  table.push_back(makeCase("norm", "norm_of_one", {real("a", {172}, uniform(0, 1e-8))},
                           "%y = mlora.norm %a : ($a) -> $y", {result("y", {})}, once()));
}

} // namespace optable
