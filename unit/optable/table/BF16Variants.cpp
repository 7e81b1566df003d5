// Cases as programs in bf16 have them: tensors of a model in bf16; adapters, row statistics, losses and
// gradients of parameters in f32.

#include "CaseBuilder.h"

#include <map>
#include <set>

namespace optable {

namespace {
using Names = std::set<std::string>;

/// Groups that have variants, and what of their cases stays f32 besides gradients of parameters.
const std::map<std::string, Names> &keptAsF32() {
  static const Names attention = {"lse"}, loss = {"nll", "lse", "d", "loss", "seed", "r"};
  static const Names trainedHead = {"lse", "d", "w"}; // whose gradient is wanted is f32
  static const Names adapters = {"a", "b0", "b1", "b2"};
  static const Names chains = {"a", "bq", "bk", "bv", "bg", "bu", "ad", "bd", "r", "lse"};
  static const std::map<std::string, Names> groups = {{"linear", {}},
                                                      {"linear.input_grad", {}},
                                                      {"rms_norm", {}},
                                                      {"rms_norm.input_grad", {}},
                                                      {"rms_norm.scale", {"r"}},
                                                      {"rms_norm.weight_grad", {"r"}},
                                                      {"swiglu", {}},
                                                      {"swiglu.grad", {}},
                                                      {"add", {}},
                                                      {"embedding", {}},
                                                      {"embedding.weight_grad", {}},
                                                      {"gather_rows", {}},
                                                      {"scatter_rows", {}},
                                                      {"cache_write", {}},
                                                      {"rope", {"t"}},
                                                      {"token_outer", {}},
                                                      {"merge", {"up", "down"}},
                                                      {"adapted_linear", adapters},
                                                      {"adapted_linear.input_grad", adapters},
                                                      {"attention", attention},
                                                      {"attention.query_grad", attention},
                                                      {"attention.key_value_grad", attention},
                                                      {"attention.turned", {"lse", "t"}},
                                                      {"cross_entropy", loss},
                                                      {"cross_entropy.input_grad", loss},
                                                      {"cross_entropy.weight_grad", trainedHead},
                                                      {"head", loss},
                                                      {"nll", {"nll", "lse", "d", "z"}},
                                                      {"round", {"w"}},
                                                      {"products", {"fa", "fb"}},
                                                      {"chains", chains}};
  return groups;
}

/// Cases of those groups in which nothing is a model's.
const Names parametersOnly = {"update", "gradient_norm"};
} // namespace

static Case inBF16(const Case &original, const Names &kept) {
  std::vector<Argument> arguments = original.arguments;
  for (Argument &argument : arguments)
    if (argument.fill.element == Element::F32 && !kept.count(argument.name))
      argument.fill.element = Element::BF16;
  std::vector<Result> values = original.values;
  for (Result &value : values)
    if (value.kind != Result::Gradient && !kept.count(value.name))
      value.element = Element::BF16;
  Case made = makeCase(original.group + ".bf16", original.name + "_bf16", arguments, original.body, values,
                       original.runs);
  made.tolerance = 1e-2;
  made.why = "results are rounded to 8 bits, and so is what one kernel hands to the next";
  return made;
}

void addBF16Variants(Table &table) {
  Table variants;
  for (const Case &original : table)
    if (auto kept = keptAsF32().find(original.group);
        kept != keptAsF32().end() && !parametersOnly.count(original.name))
      if (Case variant = inBF16(original, kept->second); variant.hasBF16())
        variants.push_back(std::move(variant));
  table.insert(table.end(), variants.begin(), variants.end());
}

} // namespace optable
