// Adapted layers: groups of one, two and three, n branches of rank r.

#include "CaseBuilder.h"

namespace optable {

static std::string branches(int64_t n, int64_t r) {
  return "n" + std::to_string(n) + "_r" + std::to_string(r);
}

namespace {
/// The layers of a group, as wide as `outs`.
struct Group {
  std::vector<int64_t> outs;
  int64_t in, n, r;

  std::string name() const {
    std::string text = std::to_string(outs.size()) + "_layers_" + branches(n, r) + "_" + std::to_string(in);
    return text;
  }
  std::vector<Argument> parameters() const {
    std::vector<Argument> list;
    for (size_t j = 0; j < outs.size(); ++j)
      list.push_back(real("w" + std::to_string(j), {outs[j], in}));
    for (size_t j = 0; j < outs.size(); ++j)
      list.push_back(real("b" + std::to_string(j), {outs[j], n * r}));
    list.push_back(real("a", {mid(), in}));
    return list;
  }
  int64_t mid() const { return int64_t(outs.size()) * n * r; }
  /// "%w0, %w1" for "%w", "$w0, $w1" for "$w".
  std::string each(const std::string &name) const {
    std::string text;
    for (size_t j = 0; j < outs.size(); ++j)
      text += (j ? ", " : "") + name + std::to_string(j);
    return text;
  }
  std::string operands() const { return "weights(" + each("%w") + ") ups(" + each("%b") + ") down %a"; }
  std::string types() const { return each("$w") + ", " + each("$b") + ", $a"; }
};
} // namespace

static void addGroup(Table &table, const Group &group) {
  std::vector<Argument> forward = {real("x", {Rows, group.in})}, backward;
  std::vector<Result> outputs;
  for (size_t j = 0; j < group.outs.size(); ++j) {
    outputs.push_back(result("y" + std::to_string(j), {Rows, group.outs[j]}));
    backward.push_back(real("dy" + std::to_string(j), {Rows, group.outs[j]}));
  }
  outputs.push_back(result("m", {Rows, group.mid()}));
  for (const Argument &parameter : group.parameters()) {
    forward.push_back(parameter);
    backward.push_back(parameter);
  }
  table.push_back(makeCase("adapted_linear", "adapted_linear_" + group.name(), forward,
                           group.each("%y") + ", %m = mlora.adapted_linear %x " + group.operands() +
                               " : ($x, " + group.types() + ") -> (" + group.each("$y") + ", $m)",
                           outputs));
  std::string call = " = mlora.adapted_linear.input_grad (" + group.each("%dy") + ") " + group.operands() +
                     " : (" + group.each("$dy") + ", " + group.types() + ") -> ";
  Result dx = result("dx", {Rows, group.in}), u = result("u", {Rows, group.mid()});
  table.push_back(makeCase("adapted_linear.input_grad", "adapted_linear_input_grad_" + group.name(), backward,
                           "%dx, %u" + call + "($dx, $u)", {dx, u}));
  // The lowest adapted layer has no dx.
  table.push_back(makeCase("adapted_linear.input_grad", "adapted_linear_mid_grad_" + group.name(), backward,
                           "%u" + call + "$u", {u}));
}

void addAdapterCases(Table &table) {
  for (const Group &group :
       {Group{{96}, 37, 1, 1}, Group{{37}, 172, 3, 8}, Group{{24}, 96, 1, 32}, Group{{172, 172}, 24, 5, 8},
        Group{{37, 96}, 37, 3, 1}, Group{{96, 24, 24}, 96, 3, 32}, Group{{24, 37, 172}, 24, 5, 1}})
    addGroup(table, group);
  for (auto [n, r] :
       {std::pair<int64_t, int64_t>{1, 1}, {1, 8}, {1, 32}, {3, 1}, {3, 8}, {3, 32}, {5, 1}, {5, 8}, {5, 32}})
    for (int64_t out : {37, 172}) {
      std::string name = branches(n, r) + "_" + std::to_string(out);
      Argument b = real("b", {out, n * r}), s = real("s", {out, n}), g = real("g", {out, n * r});
      Result up = result("up", b.shape), db = result("db", b.shape), ds = result("ds", s.shape);
      table.push_back(makeCase("stack_up", "stack_up_" + name, {b, s},
                               "%up = mlora.stack_up %b, %s alpha 4.0 : ($b, $s) -> $up", {up}, once()));
      table.push_back(
          makeCase("stack_up.grad", "stack_up_grad_" + name, {g, b, s},
                   "%db, %ds = mlora.stack_up.grad %g, %b, %s alpha 4.0 : ($g, $b, $s) -> ($db, $ds)",
                   {db, ds}, once()));
      if (n > 1)
        continue;
      table.push_back(makeCase("stack_up", "stack_up_plain_" + name, {b},
                               "%up = mlora.stack_up %b alpha 4.0 : ($b) -> $up", {up}, once()));
      table.push_back(makeCase("stack_up.grad", "stack_up_grad_plain_" + name, {g, b},
                               "%db = mlora.stack_up.grad %g, %b alpha 4.0 : ($g, $b) -> $db", {db}, once()));
    }
  for (auto [out, in, nr] :
       {std::tuple<int64_t, int64_t, int64_t>{37, 24, 1}, {172, 96, 24}, {24, 172, 15}, {130, 37, 96}})
    table.push_back(makeCase(
        "merge", "merge_" + std::to_string(out) + "_" + std::to_string(in) + "_" + std::to_string(nr),
        {real("w", {out, in}), real("up", {out, nr}), real("down", {nr, in})},
        "%y = mlora.merge %w, %up, %down : ($w, $up, $down) -> $y", {result("y", {out, in})}, once()));
}

} // namespace optable
