// Stacks that take turns: a switch saves what the calling convention asks for and nothing else.
#pragma once

#include <cstddef>
#include <memory>

namespace mlora::emulator {

/// Where a stack that does not run is to go on. The scheduler's own stack has one too.
struct Fiber {
  void *stackPointer = nullptr;
};

/// Runs `to` until something switches back to `from`.
extern "C" void mlora_emulator_switch(void **from, void *to);
inline void switchTo(Fiber &from, Fiber &to) { mlora_emulator_switch(&from.stackPointer, to.stackPointer); }

/// Stacks for a block's threads, kept from block to block. Below each is a page that nobody may touch, so
/// that an overflow is a fault of the process and not a wrong result.
class Stacks {
public:
  Stacks(unsigned count, size_t bytes);
  ~Stacks();
  Stacks(const Stacks &) = delete;
  Stacks &operator=(const Stacks &) = delete;

  /// At least `count` stacks with room for so much local memory: those that this OS thread used last, where
  /// they are enough.
  static std::shared_ptr<Stacks> get(unsigned count, size_t localBytes);

  /// A fiber that starts in `start`, which must not return.
  Fiber prepare(unsigned index, void (*start)());
  /// Where a stack ends: it grows down.
  const char *end(unsigned index) const;
  bool contains(unsigned index, const void *address, size_t bytes) const;

private:
  char *top(unsigned index) const;
  char *memory;
  unsigned count;
  size_t stackBytes;
};

} // namespace mlora::emulator
