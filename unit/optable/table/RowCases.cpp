// Ops that make row t from row t, and those that move rows.

#include "CaseBuilder.h"

namespace optable {

static std::string by(int64_t a, int64_t b) { return std::to_string(a) + "_to_" + std::to_string(b); }
static std::string of(int64_t width) { return "of_" + std::to_string(width); }

static void addLinear(Table &table) {
  for (auto [in, out] : {std::pair<int64_t, int64_t>{24, 96}, {37, 172}, {172, 24}, {96, 37}}) {
    table.push_back(makeCase("linear", "linear_" + by(in, out), {real("x", {Rows, in}), real("w", {out, in})},
                             "%y = mlora.linear %x, %w : ($x, $w) -> $y", {result("y", {Rows, out})}));
    table.push_back(makeCase("linear.input_grad", "linear_input_grad_" + by(out, in),
                             {real("dy", {Rows, out}), real("w", {out, in})},
                             "%dx = mlora.linear.input_grad %dy, %w : ($dy, $w) -> $dx",
                             {result("dx", {Rows, in})}));
  }
  // Logits: rows are those that count.
  table.push_back(makeCase("linear", "linear_counted", {real("x", {CountedRows, 24}), real("w", {300, 24})},
                           "%y = mlora.linear %x, %w : ($x, $w) -> $y", {result("y", {CountedRows, 300})}));
  table.push_back(makeCase("linear", "linear_static", {real("x", {130, 37}), real("w", {24, 37})},
                           "%y = mlora.linear %x, %w : ($x, $w) -> $y", {result("y", {130, 24})}, once()));
}

static void addNorms(Table &table) {
  for (int64_t width : {1, 24, 37, 96, 172}) {
    // Of one column only eps keeps dx from being a difference of equals.
    std::string eps = width == 1 ? "eps 0.5" : "eps 1.0e-05";
    table.push_back(
        makeCase("rms_norm", "rms_norm_" + of(width), {real("x", {Rows, width}), real("w", {width})},
                 "%y = mlora.rms_norm %x, %w " + eps + " : ($x, $w) -> $y", {result("y", {Rows, width})}));
    table.push_back(makeCase("rms_norm.scale", "rms_norm_scale_" + of(width), {real("x", {Rows, width})},
                             "%r = mlora.rms_norm.scale %x " + eps + " : ($x) -> $r", {result("r", {Rows})}));
    table.push_back(makeCase("rms_norm.input_grad", "rms_norm_input_grad_" + of(width),
                             {real("dy", {Rows, width}), real("x", {Rows, width}), real("w", {width})},
                             "%dx = mlora.rms_norm.input_grad %dy, %x, %w " + eps + " : ($dy, $x, $w) -> $dx",
                             {result("dx", {Rows, width})}));
  }
  // Small rows: eps is most of the root.
  table.push_back(makeCase("rms_norm", "rms_norm_small_rows",
                           {real("x", {CountedRows, 37}, uniform(-1e-3, 1e-3)), real("w", {37})},
                           "%y = mlora.rms_norm %x, %w eps 1.0e-05 : ($x, $w) -> $y",
                           {result("y", {CountedRows, 37})}));
}

static void addActivations(Table &table) {
  for (auto [width, wide] : {std::pair<int64_t, double>{24, 4}, {37, 4}, {172, 4}, {96, 200}}) {
    // exp(-g) of a gate of -200 overflows; y is then 0.
    std::string name = of(width) + (wide > 4 ? "_wide" : "");
    std::vector<Argument> inputs = {real("g", {Rows, width}, uniform(-wide, wide)), real("u", {Rows, width})};
    table.push_back(makeCase("swiglu", "swiglu_" + name, inputs, "%y = mlora.swiglu %g, %u : ($g, $u) -> $y",
                             {result("y", {Rows, width})}));
    inputs.insert(inputs.begin(), real("dy", {Rows, width}));
    table.push_back(makeCase("swiglu.grad", "swiglu_grad_" + name, inputs,
                             "%dg, %du = mlora.swiglu.grad %dy, %g, %u : ($dy, $g, $u) -> ($dg, $du)",
                             {result("dg", {Rows, width}), result("du", {Rows, width})}));
  }
  for (const auto &[name, shape] : {std::pair<const char *, Shape>{"add_rows", {Rows, 37}},
                                    {"add_counted", {CountedRows, 96}},
                                    {"add_vector", {Rows}},
                                    {"add_static", {37, 172}},
                                    {"add_scalar", {}}})
    table.push_back(makeCase("add", name, {real("a", shape), real("b", shape)}, "%y = mlora.add %a, %b : $y",
                             {result("y", shape)}, shape.empty() || shape[0] > 0 ? once() : tokenRows()));
}

static void addMoves(Table &table) {
  for (auto [words, width] : {std::pair<int64_t, int64_t>{40, 24}, {37, 96}, {1, 37}})
    table.push_back(makeCase("embedding", "embedding_" + by(words, width),
                             {index("ids", {Rows}, below(words)), real("table", {words, width})},
                             "%y = mlora.embedding %ids, %table : ($ids, $table) -> $y",
                             {result("y", {Rows, width})}));
  for (int64_t width : {24, 37, 172}) {
    table.push_back(makeCase("gather_rows", "gather_rows_" + of(width),
                             {real("x", {Rows, width}), index("rows", {CountedRows}, countedRows())},
                             "%y = mlora.gather_rows %x, %rows : ($x, $rows) -> $y",
                             {result("y", {CountedRows, width})}));
    table.push_back(makeCase("scatter_rows", "scatter_rows_" + of(width),
                             {real("x", {CountedRows, width}), index("rows", {CountedRows}, countedRows()),
                              real("like", {Rows, width})},
                             "%y = mlora.scatter_rows %x, %rows like %like : ($x, $rows, $like) -> $y",
                             {result("y", {Rows, width})}));
    table.push_back(
        makeCase("cache_write", "cache_write_" + of(width),
                 {real("cache", {KvRows, width}), real("x", {Rows, width}), index("at", {Rows}, cacheRows())},
                 "%c = mlora.cache_write %cache, %x at %at : ($cache, $x, $at) -> $c",
                 {inPlace("c", {KvRows, width}, "cache")}, generation()));
  }
  table.push_back(makeCase("spread", "spread_like_vector", {real("x", {}), real("like", {CountedRows})},
                           "%y = mlora.spread %x like %like : ($x, $like) -> $y",
                           {result("y", {CountedRows})}));
  table.push_back(makeCase("spread", "spread_like_matrix", {real("x", {}), real("like", {Rows, 24})},
                           "%y = mlora.spread %x like %like : ($x, $like) -> $y", {result("y", {Rows})}));
  table.push_back(makeCase("spread", "spread_like_indices", {real("x", {}), index("like", {Rows}, below(7))},
                           "%y = mlora.spread %x like %like : ($x, $like) -> $y", {result("y", {Rows})}));
}

/// Rows of which each thread of a block, or lane of a warp, has several vectors: as many as it takes at once, more,
/// and a rest.
static void addWideRows(Table &table) {
  const std::vector<Execution> few = {{.rows = 1}, {.rows = 6}};
  for (int64_t width : {512, 2560, 2632}) {
    table.push_back(makeCase("rms_norm.input_grad", "rms_norm_input_grad_" + of(width),
                             {real("dy", {Rows, width}), real("x", {Rows, width}), real("w", {width})},
                             "%dx = mlora.rms_norm.input_grad %dy, %x, %w eps 1.0e-05 : ($dy, $x, $w) -> $dx",
                             {result("dx", {Rows, width})}, few));
    table.push_back(makeCase("swiglu", "swiglu_" + of(width),
                             {real("g", {Rows, width}, uniform(-4, 4)), real("u", {Rows, width})},
                             "%y = mlora.swiglu %g, %u : ($g, $u) -> $y", {result("y", {Rows, width})}, few));
  }
}

void addRowCases(Table &table) {
  addLinear(table);
  addNorms(table);
  addActivations(table);
  addWideRows(table);
  addMoves(table);
}

} // namespace optable
