// What stands around library products: skinny products through windows of an augmented matrix, joined beside
// what they are of, and factors placed in it. The products themselves are a library's.

#include "CaseBuilder.h"

namespace optable {

/// Rows of whole steps of 64 columns, which sm_90a's kernels of rows with products take.
static void addWideRows(Table &table) {
  table.push_back(makeCase("products", "add_norm_and_skinny_product",
                           {real("a", {Rows, 192}), real("b", {Rows, 192}), real("n", {192}),
                            real("w", {160, 240}, uniform(-0.2, 0.2))},
                           R"(%h = mlora.add %a, %b : $a
%x = mlora.rms_norm %h, %n eps 1.0e-05 : ($h, $n) -> $h
%down = mlora.window %w at [64, 0] : ($w) -> $down
%m = mlora.linear %x, %down : ($h, $down) -> $m
%xm = mlora.join %x, %m : ($h, $m) -> $xm)",
                           {result("h", {Rows, 192}), inner("down", {96, 192}), inner("m", {Rows, 96}),
                            result("xm", {Rows, 288})}));
  table.push_back(makeCase("products", "norm_gradient_and_skinny_gradient",
                           {real("dx", {Rows, 128}), real("h", {Rows, 128}), real("n", {128}), real("dh", {Rows, 128}),
                            real("w", {128, 144}, uniform(-0.2, 0.2))},
                           R"(%d = mlora.rms_norm.input_grad %dx, %h, %n eps 1.0e-05 : ($dx, $h, $n) -> $h
%s = mlora.add %dh, %d : $h
%up = mlora.window %w at [0, 128] : ($w) -> $up
%u = mlora.linear.input_grad %s, %up : ($h, $up) -> $u
%su = mlora.join %s, %u : ($h, $u) -> $su)",
                           {inner("up", {128, 16}), inner("u", {Rows, 16}), result("su", {Rows, 144})}));
  table.push_back(makeCase("products", "wide_swiglu_of_windows",
                           {real("y", {Rows, 256}), real("w", {160, 224}, uniform(-0.2, 0.2))},
                           R"(%g = mlora.window %y at [0, 0] : ($y) -> $g
%u = mlora.window %y at [0, 128] : ($y) -> $g
%s = mlora.swiglu %g, %u : ($g, $g) -> $g
%a = mlora.window %w at [64, 0] : ($w) -> $a
%m = mlora.linear %s, %a : ($g, $a) -> $m
%sm = mlora.join %s, %m : ($g, $m) -> $sm)",
                           {inner("g", {Rows, 128}), inner("a", {96, 128}), inner("m", {Rows, 96}),
                            result("sm", {Rows, 224})}));
  table.push_back(makeCase("products", "swiglu_gradient_and_skinny_gradients",
                           {real("y", {Rows, 256}), real("ds", {Rows, 128}), real("w", {256, 304}, uniform(-0.2, 0.2))},
                           R"(%g = mlora.window %y at [0, 0] : ($y) -> $ds
%u = mlora.window %y at [0, 128] : ($y) -> $ds
%dg, %du = mlora.swiglu.grad %ds, %g, %u : ($ds, $ds, $ds) -> ($ds, $ds)
%bg = mlora.window %w at [0, 112] : ($w) -> $b
%ug = mlora.linear.input_grad %dg, %bg : ($ds, $b) -> $m
%bu = mlora.window %w at [128, 208] : ($w) -> $b
%uu = mlora.linear.input_grad %du, %bu : ($ds, $b) -> $m
%all = mlora.join %dg, %du, %ug, %uu : ($ds, $ds, $m, $m) -> $all)",
                           {inner("b", {128, 96}), inner("m", {Rows, 96}), result("all", {Rows, 448})}));
  // What attention's kernels left in one buffer, and a product of each part placed behind them.
  table.push_back(makeCase("products", "skinny_gradients_placed",
                           {real("dy", {Rows, 448}), real("w", {320, 176}, uniform(-0.2, 0.2))},
                           R"(%q = mlora.window %dy at [0, 0] : ($dy) -> $q
%bq = mlora.window %w at [0, 128] : ($w) -> $bq
%uq = mlora.linear.input_grad %q, %bq : ($q, $bq) -> $m
%k = mlora.window %dy at [0, 192] : ($dy) -> $k
%bk = mlora.window %w at [192, 144] : ($w) -> $bk
%uk = mlora.linear.input_grad %k, %bk : ($k, $bk) -> $m
%u = mlora.join %uq, %uk : ($m, $m) -> $u
%dyu = mlora.place %u in %dy at [0, 256] : ($u, $dy) -> $dy)",
                           {inner("q", {Rows, 192}), inner("bq", {192, 16}), inner("k", {Rows, 64}), inner("bk", {64, 16}),
                            inner("m", {Rows, 16}), inner("u", {Rows, 32}), inPlace("dyu", {Rows, 448}, "dy")}));
}

void addProductCases(Table &table) {
  addWideRows(table);
  table.push_back(makeCase("products", "norm_and_skinny_product",
                           {real("h", {Rows, 72}), real("n", {72}), real("w", {112, 88}, uniform(-0.2, 0.2))},
                           R"(%x = mlora.rms_norm %h, %n eps 1.0e-05 : ($h, $n) -> $h
%a = mlora.window %w at [96, 0] : ($w) -> $a
%m = mlora.linear %x, %a : ($h, $a) -> $m
%xm = mlora.join %x, %m : ($h, $m) -> $xm)",
                           {inner("a", {16, 72}), result("m", {Rows, 16}), result("xm", {Rows, 88})}));
  table.push_back(makeCase(
      "products", "swiglu_of_windows", {real("y", {Rows, 96}), real("w", {72, 64}, uniform(-0.2, 0.2))},
      R"(%g = mlora.window %y at [0, 0] : ($y) -> $g
%u = mlora.window %y at [0, 48] : ($y) -> $g
%s = mlora.swiglu %g, %u : ($g, $g) -> $g
%a = mlora.window %w at [56, 0] : ($w) -> $a
%m = mlora.linear %s, %a : ($g, $a) -> $m
%sm = mlora.join %s, %m : ($g, $m) -> $sm)",
      {inner("g", {Rows, 48}), inner("a", {16, 48}), inner("m", {Rows, 16}), result("sm", {Rows, 64})}));
  // A cotangent and its u, then the sums over tokens that read both there.
  table.push_back(
      makeCase("products", "skinny_gradient_and_sums",
               {real("dy", {Rows, 40}), real("w", {56, 88}, uniform(-0.2, 0.2)), real("xm", {Rows, 88})},
               R"(%b = mlora.window %w at [0, 72] : ($w) -> $b
%u = mlora.linear.input_grad %dy, %b : ($dy, $b) -> $u
%dyu = mlora.join %dy, %u : ($dy, $u) -> $dyu
%uw = mlora.window %dyu at [0, 40] : ($dyu) -> $u
%x = mlora.window %xm at [0, 0] : ($xm) -> $x
%da = mlora.token_outer %uw, %x : ($u, $x) -> $da
%m = mlora.window %xm at [0, 72] : ($xm) -> $u
%g = mlora.token_outer %dy, %m : ($dy, $u) -> $g)",
               {inner("b", {40, 16}), inner("u", {Rows, 16}), result("dyu", {Rows, 56}),
                inner("x", {Rows, 72}), gradient("da", {16, 72}), gradient("g", {40, 16})},
               sums()));
  table.push_back(makeCase("round", "round", {real("w", {70, 24})}, "%y = mlora.round %w : ($w) -> $y",
                           {result("y", {70, 24})}, once()));
  table.push_back(makeCase("products", "factors_placed",
                           {real("fa", {16, 72}), real("fb", {16, 24}), real("w", {112, 96})},
                           R"(%w1 = mlora.place %fa in %w at [96, 0] : ($fa, $w) -> $w
%w2 = mlora.place %fb in %w1 at [8, 72] : ($fb, $w) -> $w)",
                           {inPlace("w2", {112, 96}, "w")}, once()));
}

} // namespace optable
