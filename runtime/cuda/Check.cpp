#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Cuda/Cuda.h"

namespace mlora::cuda {

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// The emulator's reason, where there is one: it names kernel, block, thread and operation, or the
/// descriptor.
static std::string reason(const Table &table) {
  std::string text = table.isEmulated() ? table.emulator.explain() : "";
  return text.empty() ? "" : ": " + text;
}

void check(const Table &table, Result result, const char *function) {
  if (result == Result::Success)
    return;
  const char *name = nullptr, *text = nullptr;
  table.driver.getErrorName(result, &name);
  table.driver.getErrorString(result, &text);
  failed((table.isEmulated() ? "emulator: " : "CUDA: ") + std::string(function) + " gives " +
         (name ? name : "error " + std::to_string(int(result))) +
         (text ? " (" + std::string(text) + ")" : "") + reason(table));
}

void check(const Table &table, BlasStatus status, const char *function) {
  if (status == BlasStatus::Success)
    return;
  failed((table.isEmulated() ? "emulator: " : "cuBLASLt: ") + std::string(function) + " gives " +
         table.blas.statusString(status) + reason(table));
}

} // namespace mlora::cuda
