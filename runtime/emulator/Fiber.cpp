#include "Fiber.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <sys/mman.h>

// Callee-saved registers go onto the stack that is left; the new stack's top holds its own.
#if defined(__x86_64__)
asm(R"(
.text
.globl mlora_emulator_switch
.type mlora_emulator_switch, @function
mlora_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size mlora_emulator_switch, .-mlora_emulator_switch
)");
static void *firstFrame(char *top, void (*start)()) {
  // The ABI wants rsp + 8 divisible by 16 where a function starts; then the return address, then six
  // registers.
  void **frame = reinterpret_cast<void **>(top) - 2;
  *frame = reinterpret_cast<void *>(start);
  for (int i = 0; i < 6; ++i)
    *--frame = nullptr;
  return frame;
}
#else
#error "the emulator switches fibers in assembly; add this CPU's to runtime/emulator/Fiber.cpp"
#endif

namespace mlora::emulator {

constexpr size_t kPage = 4096, kStackBytes = 1 << 20, kOwnBytes = 64 << 10;

Stacks::Stacks(unsigned count, size_t bytes) : count(count), stackBytes(bytes) {
  void *pages = mmap(nullptr, count * stackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    failed("the emulator's stacks: " + std::to_string(count) + " threads need " +
           std::to_string(count * stackBytes) + " bytes of addresses");
  memory = static_cast<char *>(pages);
  for (unsigned i = 0; i < count; ++i)
    mprotect(memory + i * stackBytes, kPage, PROT_NONE);
}

Stacks::~Stacks() { munmap(memory, count * stackBytes); }

std::shared_ptr<Stacks> Stacks::get(unsigned count, size_t localBytes) {
  static thread_local std::shared_ptr<Stacks> last;
  size_t bytes = std::max(kStackBytes, (localBytes + kOwnBytes + kPage - 1) / kPage * kPage);
  if (!last || last->count < count || last->stackBytes < bytes)
    last = std::make_shared<Stacks>(count, bytes);
  return last;
}

// Stacks whose tops are a power of two apart would fight for the same lines of the cache.
char *Stacks::top(unsigned index) const { return memory + (index + 1) * stackBytes - index % 61 * 64; }

Fiber Stacks::prepare(unsigned index, void (*start)()) { return {firstFrame(top(index), start)}; }

const char *Stacks::end(unsigned index) const { return memory + index * stackBytes + kPage; }

bool Stacks::contains(unsigned index, const void *address, size_t bytes) const {
  uintptr_t at = reinterpret_cast<uintptr_t>(address),
            low = reinterpret_cast<uintptr_t>(memory) + index * stackBytes;
  return at >= low && at + bytes <= low + stackBytes;
}

} // namespace mlora::emulator
