// RTE (SuperGLUE): {"premise", "hypothesis", "label"}; MeZO's words.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {
namespace {

std::string promptOf(const RowFields &row) {
  return filledString(row, "premise") + "\nDoes this mean that \"" + filledString(row, "hypothesis") +
         "\" is true? Yes or No?\n";
}

/// SuperGLUE's words; GLUE's numbers (0: entailment).
bool isEntailed(const RowFields &row) {
  if (!row.has("label"))
    row.refuse("label", "is missing: expected entailment or not_entailment (the published test file has no labels)");
  const RowJson &label = row.raw().at("label");
  if (label == "entailment" || label == 0)
    return true;
  if (label != "not_entailment" && label != 1)
    row.refuse("label", "unknown label " + label.dump() + ": expected entailment or not_entailment");
  return false;
}

} // namespace

extern const Task Rte = {
    .name = "rte",
    .doc = "a premise and a hypothesis: whether the one means that the other is true",
    .recognises =
        [](const RowJson &row) { return row.contains("premise") && row.contains("hypothesis"); },
    .forms = {{"premise", "hypothesis", "label"}},
    .example =
        [](const RowFields &row) {
          return yesNoExample({promptOf(row), isEntailed(row)});
        },
    .score = Score::Likelihood,
    .question =
        [](const RowFields &row, const std::string &) {
          return yesNoQuestion({promptOf(row), isEntailed(row)});
        },
    .isInAverage = true,
};

} // namespace mlora::tasklist
