// What stands around library products: skinny products through windows of an augmented matrix, joined beside
// what they are of, and factors placed in it. The products themselves are a library's.

#include "CaseBuilder.h"

namespace optable {

void addProductCases(Table &table) {
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
