// Cross-entropy and gradients by vocabulary. 1500 words: two blocks of the vocabulary, the second not full.

#include "CaseBuilder.h"

namespace optable {

static void addCrossEntropy(Table &table, int64_t words, int64_t width, int64_t rows,
                            std::vector<Execution> runs, std::string suffix) {
  std::string name = std::to_string(words) + "_" + std::to_string(width) + suffix;
  Argument x = real("x", {rows, width}), w = real("w", {words, width}),
           t = index("t", {rows}, targets(words));
  Argument d = real("d", {rows}), lse = real("lse", {rows}, uniform(5, 7));
  Result nll = result("nll", {rows}), newLse = result("lse", {rows});
  Result dx = result("dx", {rows, width}), dw = gradient("dw", {words, width});
  std::string forward = "%nll, %lse = mlora.cross_entropy %x, %w, %t : ($x, $w, $t) -> ($nll, $lse)\n";
  std::string backward =
      "%dx = mlora.cross_entropy.input_grad %d, %x, %w, %t, %lse : ($d, $x, $w, $t, $lse) -> $dx";
  table.push_back(
      makeCase("cross_entropy", "cross_entropy_" + name, {x, w, t}, forward, {nll, newLse}, runs));
  // One kernel: the gradient takes the loss's logits.
  table.push_back(makeCase("cross_entropy.input_grad", "cross_entropy_and_input_grad_" + name, {x, w, t, d},
                           forward + backward, {nll, newLse, dx}, runs));
  table.push_back(makeCase("cross_entropy.input_grad", "cross_entropy_input_grad_" + name, {d, x, w, t, lse},
                           backward, {dx}, runs));
  for (Execution run : std::vector<Execution>(runs)) {
    run.accumulate = 1;
    runs.push_back(run);
  }
  table.push_back(
      makeCase("cross_entropy.weight_grad", "cross_entropy_weight_grad_" + name, {d, x, w, t, lse},
               "%dw = mlora.cross_entropy.weight_grad %d, %x, %w, %t, %lse : ($d, $x, $w, $t, $lse) -> $dw",
               {dw}, runs));
}

/// The loss of logits that are there: fewer words than a row has sharers, and a few steps of theirs with a
/// rest.
static void addLosses(Table &table) {
  for (int64_t words : {37, 130, 2600, 4099}) {
    std::string name = std::to_string(words);
    Argument z = real("z", {CountedRows, words}, uniform(-30, 30)),
             t = index("t", {CountedRows}, targets(words)), d = real("d", {CountedRows}),
             lse = real("lse", {CountedRows}, uniform(28, 32));
    Result nll = result("nll", {CountedRows}), newLse = result("lse", {CountedRows}),
           dz = result("dz", {CountedRows, words});
    std::string forward = "%nll, %lse = mlora.nll %z, %t : ($z, $t) -> ($nll, $lse)\n";
    std::string backward = "%dz = mlora.nll.input_grad %d, %z, %t, %lse : ($d, $z, $t, $lse) -> $dz";
    table.push_back(makeCase("nll", "nll_" + name, {z, t}, forward, {nll, newLse}));
    table.push_back(makeCase("nll", "nll_and_input_grad_" + name, {z, t, d}, forward + backward,
                             {nll, inner("lse", {CountedRows}), dz}));
    table.push_back(makeCase("nll", "nll_input_grad_" + name, {d, z, t, lse}, backward, {dz}));
  }
}

/// The head of a training step: loss and its way back to the residual stream, counted rows only.
static void addHead(Table &table) {
  table.push_back(makeCase(
      "head", "head",
      {real("h", {Rows, 37}), index("counted", {CountedRows}, countedRows()), real("n", {37}),
       real("w", {130, 37}), index("t", {CountedRows}, targets(130)), real("seed", {})},
      R"(%c = mlora.gather_rows %h, %counted : ($h, $counted) -> $c
%x = mlora.rms_norm %c, %n eps 1.0e-05 : ($c, $n) -> $c
%nll, %lse = mlora.cross_entropy %x, %w, %t : ($c, $w, $t) -> ($nll, $lse)
%loss = mlora.sum %nll : ($nll) -> $loss
%d = mlora.spread %seed like %nll : ($seed, $nll) -> $nll
%dx = mlora.cross_entropy.input_grad %d, %x, %w, %t, %lse : ($nll, $c, $w, $t, $nll) -> $c
%dw = mlora.cross_entropy.weight_grad %d, %x, %w, %t, %lse : ($nll, $c, $w, $t, $nll) -> $dw
%r = mlora.rms_norm.scale %c eps 1.0e-05 : ($c) -> $r
%dn = mlora.rms_norm.weight_grad %dx, %c scale %r : ($c, $c, $r) -> $dn
%dc = mlora.rms_norm.input_grad %dx, %c, %n eps 1.0e-05 : ($c, $c, $n) -> $c
%dh = mlora.scatter_rows %dc, %counted like %h : ($c, $counted, $h) -> $dh)",
      {inner("c", {CountedRows, 37}), inner("nll", {CountedRows}), inner("lse", {CountedRows}), inner("r", {CountedRows}),
       result("loss", {}), gradient("dw", {130, 37}), gradient("dn", {37}), result("dh", {Rows, 37})},
      sums()));
}

void addHeadCases(Table &table) {
  addCrossEntropy(table, 37, 24, CountedRows, tokenRows(), "");
  Argument x = real("x", {CountedRows, 24}, uniform(-9, 9)), w = real("w", {172, 24}, uniform(-9, 9));
  table.push_back(makeCase("cross_entropy", "cross_entropy_far_logits",
                           {x, w, index("t", {CountedRows}, targets(172))},
                           "%nll, %lse = mlora.cross_entropy %x, %w, %t : ($x, $w, $t) -> ($nll, $lse)",
                           {result("nll", {CountedRows}), result("lse", {CountedRows})}));
  addCrossEntropy(table, 172, 37, Rows, {{.rows = 17}, {.rows = 130}}, "_rows");
  addCrossEntropy(table, 1500, 24, CountedRows,
                  {{.rows = 17, .countedRows = 5}, {.rows = 300, .countedRows = 300}}, "");
  for (auto [words, width] : {std::pair<int64_t, int64_t>{40, 24}, {1500, 37}})
    table.push_back(makeCase("embedding.weight_grad", "embedding_weight_grad_" + std::to_string(words),
                             {real("dy", {Rows, width}), index("ids", {Rows}, below(words))},
                             "%dt = mlora.embedding.weight_grad %dy, %ids : ($dy, $ids) -> $dt",
                             {gradient("dt", {words, width})}, sums()));
  addHead(table);
  addLosses(table);
}

} // namespace optable
