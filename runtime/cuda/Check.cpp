#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Cuda/Cuda.h"

#include <cstdlib>
#include <string_view>

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

static std::string messageOf(const Table &table, Result result, const std::string &function) {
  const char *name = nullptr, *text = nullptr;
  table.driver.getErrorName(result, &name);
  table.driver.getErrorString(result, &text);
  return (table.isEmulated() ? "emulator: " : "CUDA: ") + function + " gives " +
         (name ? name : "error " + std::to_string(int(result))) +
         (text ? " (" + std::string(text) + ")" : "") + reason(table);
}

void check(const Table &table, Result result, const char *function) {
  if (result != Result::Success)
    failed(messageOf(table, result, function));
}

void synchronize(const Table &table, Stream *stream, const std::string &behind) {
  Result result = table.driver.streamSynchronize(stream);
  if (result == Result::Success)
    return;
  std::string text =
      messageOf(table, result, "cuStreamSynchronize" + (behind.empty() ? "" : " behind " + behind));
  if (behind.empty() && !table.isEmulated()) // the emulator names the kernel
    text += ": something that was launched before is at fault; MLORA_CUDA_SYNC=1 waits for each launch, and "
            "names it";
  failed(text);
}

bool waitsForEachLaunch() {
  const char *value = std::getenv("MLORA_CUDA_SYNC");
  return value && *value && std::string_view(value) != "0";
}

void check(const Table &table, BlasStatus status, const char *function) {
  if (status == BlasStatus::Success)
    return;
  failed((table.isEmulated() ? "emulator: " : "cuBLASLt: ") + std::string(function) + " gives " +
         table.blas.statusString(status) + reason(table));
}

} // namespace mlora::cuda
