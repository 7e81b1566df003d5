#include "mlora/Runtime/Program/Arena.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <sys/mman.h>
#include <unistd.h>

namespace mlora {
namespace {

constexpr int64_t hugePage = int64_t(2) << 20;

[[noreturn]] void tooLarge(int64_t bytes) {
  failed("the program needs " + std::to_string(bytes >> 20) + " MiB and this machine has " +
         std::to_string(physicalMemory() >> 20) +
         " MiB: lower max_length, per_device_train_batch_size or memory_budget");
}

} // namespace

int64_t physicalMemory() { return int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }

Arena::Arena(int64_t bytes) : size(bytes), mapped(std::max(bytes, int64_t(1)) + hugePage) {
  if (bytes > physicalMemory())
    tooLarge(bytes);
  void *address = mmap(nullptr, size_t(mapped), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    tooLarge(bytes);
  // Only aligned ranges become huge pages: the slack before and after costs addresses, not memory.
  auto start = reinterpret_cast<uintptr_t>(address);
  auto aligned = (start + uintptr_t(hugePage) - 1) & ~(uintptr_t(hugePage) - 1);
  base = reinterpret_cast<std::byte *>(aligned);
  if (aligned > start)
    munmap(address, aligned - start);
  mapped -= int64_t(aligned - start);
  madvise(base, size_t(mapped), MADV_HUGEPAGE);
}

Arena::~Arena() { munmap(base, size_t(mapped)); }

} // namespace mlora
