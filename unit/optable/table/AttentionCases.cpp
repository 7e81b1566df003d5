// Attention and its gradients: grouped queries and not, documents, a cache.

#include "CaseBuilder.h"

namespace optable {

namespace {
struct Heads {
  int64_t heads, kvHeads, width;

  int64_t query() const { return heads * width; }
  int64_t key() const { return kvHeads * width; }
  std::string name() const {
    return std::to_string(heads) + "_on_" + std::to_string(kvHeads) + "_of_" + std::to_string(width);
  }
  std::string attributes() const {
    return "heads " + std::to_string(heads) + " kv_heads " + std::to_string(kvHeads);
  }
};
constexpr Heads kHeads[] = {{3, 3, 8}, {4, 2, 16}, {2, 1, 24}, {9, 3, 64}, {2, 1, 128}};

std::vector<Argument> inputs(const Heads &heads, int64_t keyRows) {
  return {real("q", {Rows, heads.query()}, uniform(-2, 2)), real("k", {keyRows, heads.key()}, uniform(-2, 2)),
          real("v", {keyRows, heads.key()})};
}
} // namespace

static void addForward(Table &table, const Heads &heads) {
  std::vector<Result> results = {result("o", {Rows, heads.query()}), result("lse", {Rows, heads.heads})};
  std::vector<Argument> arguments = inputs(heads, Rows);
  table.push_back(makeCase("attention", "attention_" + heads.name(), arguments,
                           "%o, %lse = mlora.attention %q, %k, %v " + heads.attributes() +
                               " : ($q, $k, $v) -> ($o, $lse)",
                           results));
  arguments.push_back(index("start", {Rows}, documentStarts()));
  table.push_back(makeCase("attention", "attention_documents_" + heads.name(), arguments,
                           "%o, %lse = mlora.attention %q, %k, %v document %start " + heads.attributes() +
                               " : ($q, $k, $v, $start) -> ($o, $lse)",
                           results, packed()));
  arguments = inputs(heads, KvRows);
  arguments.push_back(index("at", {Rows}, cacheRows()));
  table.push_back(makeCase("attention", "attention_cache_" + heads.name(), arguments,
                           "%o, %lse = mlora.attention %q, %k, %v at %at " + heads.attributes() +
                               " : ($q, $k, $v, $at) -> ($o, $lse)",
                           results, generation()));
}

/// Rows that see parts of a cache as their prefix, or none of it, beside their own documents.
static void addPrefixes(Table &table, const std::string &name, const Heads &heads, std::vector<Argument> seen,
                        std::vector<Execution> runs) {
  std::vector<Argument> arguments = inputs(heads, KvRows);
  arguments.insert(arguments.end(), seen.begin(), seen.end());
  table.push_back(makeCase("attention", name + heads.name(), arguments,
                           "%o, %lse = mlora.attention %q, %k, %v document %start at %at prefix %from to %to " +
                               heads.attributes() + " : ($q, $k, $v, $start, $at, $from, $to) -> ($o, $lse)",
                           {result("o", {Rows, heads.query()}), result("lse", {Rows, heads.heads})}, runs));
}

/// Rows that begin their documents here and there behind a prefix.
static void addGeneration(Table &table, const Heads &heads) {
  addPrefixes(table, "attention_prefix_", heads,
              {index("at", {Rows}, cacheRows()), index("start", {Rows}, documentsInCache()),
               index("from", {Rows}, prefixStarts()), index("to", {Rows}, prefixEnds())},
              generation());
}

/// Rows of many texts over one cache.
static void addTexts(Table &table, const Heads &heads) {
  addPrefixes(table, "attention_texts_", heads,
              {index("start", {Rows}, textStarts()), index("at", {Rows}, textRows()),
               index("from", {Rows}, textPrefixStarts()), index("to", {Rows}, textPrefixEnds())},
              texts());
}

/// Gradients of any lse and output: what they are is the formula's business. Near the true lse P stays of the
/// order of 1.
static void addGradients(Table &table, const Heads &heads) {
  for (bool hasDocuments : {false, true}) {
    std::vector<Argument> arguments = {real("do", {Rows, heads.query()})};
    for (const Argument &argument : inputs(heads, Rows))
      arguments.push_back(argument);
    arguments.push_back(real("o", {Rows, heads.query()}));
    arguments.push_back(real("lse", {Rows, heads.heads}, uniform(3, 5)));
    if (hasDocuments)
      arguments.push_back(index("start", {Rows}, documentStarts()));
    std::string operands = " %do, %q, %k, %v, %o, %lse " +
                           std::string(hasDocuments ? "document %start " : "") + heads.attributes() +
                           " : ($do, $q, $k, $v, $o, $lse" + (hasDocuments ? ", $start" : "") + ") -> ";
    std::string name = (hasDocuments ? "documents_" : "") + heads.name();
    std::vector<Execution> runs = hasDocuments ? packed() : tokenRows();
    table.push_back(makeCase("attention.query_grad", "query_grad_" + name, arguments,
                             "%dq = mlora.attention.query_grad" + operands + "$dq",
                             {result("dq", {Rows, heads.query()})}, runs));
    table.push_back(makeCase("attention.key_value_grad", "key_value_grad_" + name, arguments,
                             "%dk, %dv = mlora.attention.key_value_grad" + operands + "($dk, $dv)",
                             {result("dk", {Rows, heads.key()}), result("dv", {Rows, heads.key()})}, runs));
  }
}

/// Gradients, turned back and placed side by side in what a product reads, and what a skinny product of one
/// of them puts beside them.
static void addTurnedGradients(Table &table, const Heads &heads) {
  int64_t all = heads.query() + 2 * heads.key(), spare = 8;
  std::vector<Argument> arguments = {real("do", {Rows, heads.query()})};
  for (const Argument &argument : inputs(heads, Rows))
    arguments.push_back(argument);
  arguments.push_back(real("o", {Rows, heads.query()}));
  arguments.push_back(real("lse", {Rows, heads.heads}, uniform(3, 5)));
  arguments.push_back(index("start", {Rows}, documentStarts()));
  arguments.push_back(real("t", {Rows, heads.width}));
  arguments.push_back(real("b", {heads.query(), spare}, uniform(-0.1, 0.1)));
  std::string operands = " %do, %q, %k, %v, %o, %lse document %start " + heads.attributes() +
                         " : ($do, $q, $k, $v, $o, $lse, $start) -> ";
  auto rope = [](const std::string &from, const std::string &to, int64_t count) {
    return "%" + to + " = mlora.rope %" + from + ", %t heads " + std::to_string(count) + " inverse : ($" +
           from + ", $t) -> $" + to + "\n";
  };
  auto place = [](const std::string &part, const std::string &into, const std::string &to, int64_t column) {
    return "%" + to + " = mlora.place %" + part + (into.empty() ? "" : " in %" + into) + " at [0, " +
           std::to_string(column) + "] : ($" + part + (into.empty() ? "" : ", $" + into) + ") -> $" + to +
           "\n";
  };
  std::string body = "%dqr = mlora.attention.query_grad" + operands + "$dqr\n" +
                     "%dkr, %dv = mlora.attention.key_value_grad" + operands + "($dkr, $dv)\n" +
                     rope("dqr", "dq", heads.heads) + rope("dkr", "dk", heads.kvHeads) +
                     place("dq", "", "p0", 0) + place("dk", "p0", "p1", heads.query()) +
                     place("dv", "p1", "p2", heads.query() + heads.key()) +
                     "%dy = mlora.window %p2 at [0, 0] : ($p2) -> $dy\n" +
                     "%u = mlora.linear.input_grad %dy, %b : ($dy, $b) -> $u\n" + place("u", "p2", "p3", all);
  Shape query = {Rows, heads.query()}, key = {Rows, heads.key()}, joined = {Rows, all + spare};
  table.push_back(makeCase("attention.turned", "turned_gradients_" + heads.name(), arguments, body,
                           {inner("dqr", query), inner("dkr", key), inner("dv", key), inner("dq", query),
                            inner("dk", key), inner("p0", joined), inner("p1", joined), inner("p2", joined),
                            inner("dy", query), inner("u", {Rows, spare}), result("p3", joined)},
                           packed()));
}

void addAttentionCases(Table &table) {
  // Scores of some hundreds: exp of them is no number of f32.
  std::vector<Argument> far = {real("q", {Rows, 32}, uniform(-20, 20)),
                               real("k", {Rows, 16}, uniform(-20, 20)), real("v", {Rows, 16})};
  table.push_back(
      makeCase("attention", "attention_far_scores", far,
               "%o, %lse = mlora.attention %q, %k, %v heads 4 kv_heads 2 : ($q, $k, $v) -> ($o, $lse)",
               {result("o", {Rows, 32}), result("lse", {Rows, 4})}));
  table.back().tolerance = 1e-4;
  table.back().why = "a score of 500 in f32 is off by 3e-5, and so is its exponential";
  for (const Heads &heads : kHeads) {
    addForward(table, heads);
    addGeneration(table, heads);
    addGradients(table, heads);
  }
  // Heads of which 4, 2, 1 and 3 are of a group, and one too many for 16 rows.
  for (const Heads &heads : {Heads{4, 1, 32}, Heads{2, 1, 128}, Heads{1, 1, 256}, Heads{6, 2, 48},
                             Heads{17, 1, 16}})
    addTexts(table, heads);
  for (const Heads &heads : {Heads{3, 1, 8}, Heads{2, 1, 32}, Heads{4, 2, 64}, Heads{2, 1, 128}})
    addTurnedGradients(table, heads);
}

} // namespace optable
