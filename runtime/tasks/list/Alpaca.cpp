// Alpaca (tatsu-lab/stanford_alpaca): {"instruction", "input", "output"}.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {
namespace {

std::string promptOf(const std::string &instruction, const std::string &input) {
  if (input.empty())
    return "Below is an instruction that describes a task. Write a response that appropriately completes the "
           "request.\n\n### Instruction:\n" +
           instruction + "\n\n### Response:";
  return "Below is an instruction that describes a task, paired with an input that provides further context. "
         "Write a response that appropriately completes the request.\n\n### Instruction:\n" +
         instruction + "\n\n### Input:\n" + input + "\n\n### Response:";
}

} // namespace

extern const Task Alpaca = {
    .name = "alpaca",
    .doc = "an instruction, perhaps with an input: the response",
    .recognises =
        [](const RowJson &row) { return row.contains("instruction") && row.contains("output"); },
    .forms = {{"instruction", "output"}},
    .example =
        [](const RowFields &row) {
          return Example{promptOf(row.string("instruction"), row.optionalString("input").value_or("")),
                         row.string("output")};
        },
};

} // namespace mlora::tasklist
