// Ops that share a kernel or follow one another, as in a decoder layer: values between them are in scratch or
// in buffers.

#include "CaseBuilder.h"

namespace optable {

/// x through norm and q/k/v, rotary, attention; 4 heads on 2 of 8.
static void addAttentionChains(Table &table) {
  // Small weights, so that scores are of the order of 1 as in a model.
  std::vector<Argument> layer = {real("h", {Rows, 37}), real("n", {37})};
  for (const auto &[name, shape] : {std::pair<const char *, Shape>{"wq", {32, 37}},
                                    {"wk", {16, 37}},
                                    {"wv", {16, 37}},
                                    {"bq", {32, 24}},
                                    {"bk", {16, 24}},
                                    {"bv", {16, 24}},
                                    {"a", {72, 37}}})
    layer.push_back(real(name, shape, uniform(-0.2, 0.2)));
  layer.push_back(real("r", {Rows, 8}));
  const std::string qkv = R"(%x = mlora.rms_norm %h, %n eps 1.0e-05 : ($h, $n) -> $h
%q0, %k0, %v, %m = mlora.adapted_linear %x weights(%wq, %wk, %wv) ups(%bq, %bk, %bv) down %a
  : ($h, $wq, $wk, $wv, $bq, $bk, $bv, $a) -> ($q, $k, $k, $m)
%q = mlora.rope %q0, %r heads 4 : ($q, $r) -> $q
%k = mlora.rope %k0, %r heads 2 : ($k, $r) -> $k
)";
  std::vector<Argument> training = layer, generating = layer;
  training.push_back(index("start", {Rows}, documentStarts()));
  table.push_back(makeCase(
      "chains", "norm_qkv_rope_attention", training,
      qkv + "%o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2 : ($q, $k, $k, $start) "
            "-> ($q, $lse)",
      {inner("k", {Rows, 16}), result("q", {Rows, 32}), result("m", {Rows, 72}), inner("lse", {Rows, 4}),
       result("o", {Rows, 32})},
      packed()));
  for (auto *name : {"ck", "cv"})
    generating.push_back(real(name, {KvRows, 16}));
  generating.push_back(index("at", {Rows}, cacheRows()));
  table.push_back(makeCase("chains", "norm_qkv_rope_cache_attention", generating,
                           qkv + R"(%ck1 = mlora.cache_write %ck, %k at %at : ($ck, $k, $at) -> $ck
%cv1 = mlora.cache_write %cv, %v at %at : ($cv, $k, $at) -> $cv
%o, %lse = mlora.attention %q, %ck1, %cv1 at %at heads 4 kv_heads 2 : ($q, $ck, $cv, $at) -> ($q, $lse))",
                           {inner("k", {Rows, 16}), inner("q", {Rows, 32}), inner("m", {Rows, 72}),
                            inner("lse", {Rows, 4}), inPlace("ck1", {KvRows, 16}, "ck"),
                            inPlace("cv1", {KvRows, 16}, "cv"), result("o", {Rows, 32})},
                           generation()));

  // Forward, then gradients with the true lse and output. Of one row alone they are a difference of equals.
  std::vector<Execution> runs = packed();
  runs.erase(runs.begin());
  table.push_back(makeCase(
      "chains", "attention_and_gradients",
      {real("q", {Rows, 48}), real("k", {Rows, 24}), real("v", {Rows, 24}),
       index("start", {Rows}, documentStarts()), real("do", {Rows, 48})},
      R"(%o, %lse = mlora.attention %q, %k, %v document %start heads 4 kv_heads 2 : ($q, $k, $v, $start) -> ($q, $lse)
%dq = mlora.attention.query_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
  : ($q, $q, $k, $v, $q, $lse, $start) -> $q
%dk, %dv = mlora.attention.key_value_grad %do, %q, %k, %v, %o, %lse document %start heads 4 kv_heads 2
  : ($q, $q, $k, $v, $q, $lse, $start) -> ($k, $k))",
      {inner("lse", {Rows, 4}), result("dq", {Rows, 48}), result("dk", {Rows, 24}), result("dv", {Rows, 24})},
      runs));
}

/// The MLP forward, and backward with the sums over tokens that it feeds.
static void addMlpChains(Table &table) {
  std::vector<Argument> mlp = {real("h", {Rows, 37}), real("n", {37}),      real("wg", {96, 37}),
                               real("wu", {96, 37}),  real("bg", {96, 3}),  real("bu", {96, 3}),
                               real("a", {6, 37}),    real("wd", {37, 96}), real("bd", {37, 24}),
                               real("ad", {24, 96})};
  table.push_back(makeCase("chains", "mlp", mlp,
                           R"(%x = mlora.rms_norm %h, %n eps 1.0e-05 : ($h, $n) -> $h
%g, %u, %m = mlora.adapted_linear %x weights(%wg, %wu) ups(%bg, %bu) down %a : ($h, $wg, $wu, $bg, $bu, $a) -> ($g, $u, $m)
%s = mlora.swiglu %g, %u : ($g, $u) -> $g
%y, %md = mlora.adapted_linear %s weights(%wd) ups(%bd) down %ad : ($g, $wd, $bd, $ad) -> ($h, $md)
%h1 = mlora.add %h, %y : $h
%h2 = mlora.add %h1, %h1 : $h)",
                           {result("g", {Rows, 96}), inner("u", {Rows, 96}), inner("m", {Rows, 6}),
                            result("md", {Rows, 24}), result("h1", {Rows, 37}), result("h2", {Rows, 37})}));

  std::vector<Argument> backward = mlp;
  backward.insert(backward.end(), {real("dh", {Rows, 37}), real("g", {Rows, 96}), real("u", {Rows, 96})});
  table.push_back(makeCase(
      "chains", "mlp_gradients", backward,
      R"(%ds, %ud = mlora.adapted_linear.input_grad (%dh) weights(%wd) ups(%bd) down %ad : ($dh, $wd, $bd, $ad) -> ($g, $ud)
%s = mlora.swiglu %g, %u : ($g, $u) -> $g
%dad = mlora.token_outer %ud, %s : ($ud, $g) -> $dad
%dg, %du = mlora.swiglu.grad %ds, %g, %u : ($g, $g, $u) -> ($g, $g)
%dx, %ug = mlora.adapted_linear.input_grad (%dg, %du) weights(%wg, %wu) ups(%bg, %bu) down %a
  : ($g, $g, $wg, $wu, $bg, $bu, $a) -> ($h, $ug)
%x = mlora.rms_norm %h, %n eps 1.0e-05 : ($h, $n) -> $h
%da = mlora.token_outer %ug, %x : ($ug, $h) -> $da
%r = mlora.rms_norm.scale %h eps 1.0e-05 : ($h) -> $r
%dn = mlora.rms_norm.weight_grad %dx, %h scale %r : ($h, $h, $r) -> $dn
%d = mlora.rms_norm.input_grad %dx, %h, %n eps 1.0e-05 : ($h, $h, $n) -> $h
%dh0 = mlora.add %dh, %d : $h)",
      {inner("ud", {Rows, 24}), inner("ug", {Rows, 6}), inner("r", {Rows}), gradient("dad", {24, 96}), gradient("da", {6, 37}),
       gradient("dn", {37}), result("dh0", {Rows, 37})},
      sums()));
}

/// Rows that stay in a warp's registers: an addition and the norm of it, the norm's gradient and an addition.
static void addWideRowChains(Table &table) {
  const std::vector<Execution> few = {{.rows = 1}, {.rows = 6}};
  for (int64_t width : {512, 2048, 4096}) {
    std::vector<Argument> inputs = {real("p", {Rows, width}), real("q", {Rows, width}), real("n", {width})};
    std::string name = std::to_string(width);
    table.push_back(makeCase("chains", "add_norm_of_" + name, inputs,
                             "%s = mlora.add %p, %q : $s\n%y = mlora.rms_norm %s, %n eps 1.0e-05 : ($s, $n) -> $y",
                             {result("s", {Rows, width}), result("y", {Rows, width})}, few));
    table.push_back(makeCase("chains", "norm_grad_add_of_" + name, inputs,
                             "%d = mlora.rms_norm.input_grad %p, %q, %n eps 1.0e-05 : ($p, $q, $n) -> $d\n"
                             "%y = mlora.add %d, %p : $y",
                             {inner("d", {Rows, width}), result("y", {Rows, width})}, few));
  }
}

/// An update: gradients of branches and scalings, AdamW on both, the new factor.
static void addUpdateChain(Table &table) {
  std::vector<Argument> state = {real("G", {37, 24}), real("b", {37, 24}), real("s", {37, 3})};
  for (auto [name, columns] : {std::pair<const char *, int64_t>{"b", 24}, {"s", 3}}) {
    state.push_back(real(std::string("m") + name, {37, columns}, uniform(-0.1, 0.1)));
    state.push_back(real(std::string("v") + name, {37, columns}, uniform(0, 0.1)));
  }
  state.push_back(real("hyper", {8}, these({1e-2, 0.9, 0.999, 1e-8, 0.01, 0.271, 0.003, 0.125})));
  table.push_back(
      makeCase("chains", "update", state,
               R"(%db, %ds = mlora.stack_up.grad %G, %b, %s alpha 4.0 : ($G, $b, $s) -> ($b, $s)
%b1, %mb1, %vb1 = mlora.adamw %b, %db, %mb, %vb, %hyper : $b, $hyper
%s1, %ms1, %vs1 = mlora.adamw %s, %ds, %ms, %vs, %hyper : $s, $hyper
%up = mlora.stack_up %b1, %s1 alpha 4.0 : ($b, $s) -> $b)",
               {inPlace("b1", {37, 24}, "b"), inPlace("mb1", {37, 24}, "mb"), inPlace("vb1", {37, 24}, "vb"),
                inPlace("s1", {37, 3}, "s"), inPlace("ms1", {37, 3}, "ms"), inPlace("vs1", {37, 3}, "vs"),
                result("up", {37, 24})},
               once()));
  table.push_back(makeCase("chains", "gradient_norm", {state[0], state[1], state[2]},
                           R"(%db, %ds = mlora.stack_up.grad %G, %b, %s alpha 4.0 : ($G, $b, $s) -> ($b, $s)
%pb = mlora.square_sum %db : ($b) -> $p
%ps = mlora.square_sum %ds : ($s) -> $p
%y = mlora.norm %pb, %ps : ($p, $p) -> $y)",
                           {inner("p", {37}), result("y", {})}, once()));
}

void addChainCases(Table &table) {
  addAttentionChains(table);
  addMlpChains(table);
  addUpdateChain(table);
  addWideRowChains(table);
}

} // namespace optable
