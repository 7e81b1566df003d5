// A compiled program ready to run: bundle, device, threads, and its inputs and outputs by name.
#pragma once

#include "mlora/Runtime/Program/Executor.h"

#include <span>

namespace mlora {

class Program {
public:
  /// `capacity` bounds the rows of every run (Layout). `threads` 0: as many as the process may use.
  Program(Bundle bundle, const Scalars &capacity, int64_t threads = 0);

  const Manifest &manifest() const { return bundle_.manifest; }
  const Bundle &bundle() const { return bundle_; }
  const Scalars &capacity() const { return layout_.capacity(); }
  Executor &executor() { return executor_; }
  ThreadPool &pool() { return pool_; }
  int64_t threads() const { return pool_.threads(); }

  void run(std::string_view section, const Scalars &scalars = {}) { executor_.run(section, scalars); }
  bool has(std::string_view section) const { return executor_.has(section); }

  /// Copies values into the beginning of an input. Throws Error(Failed) when the program has no such input,
  /// or of another type, or when there are more values than its capacity.
  void setInput(std::string_view name, std::span<const int32_t> values);
  void setInput(std::string_view name, std::span<const float> values);
  bool hasInput(std::string_view name) const { return manifest().find(name, Role::Input) >= 0; }
  /// An output, as large as its capacity.
  std::span<const float> output(std::string_view name) const;

  /// All elements of a slot of a f32 buffer. Throws Error(Failed) for one of another type.
  std::span<float> slot(int buffer, int64_t index) const;
  /// The same of a bf16 buffer, as bits.
  std::span<uint16_t> bfloatSlot(int buffer, int64_t index) const;

  int64_t arenaBytes() const { return device_->arena().bytes(); }

private:
  void setInput(std::string_view name, const void *values, size_t count, ElementType type);
  std::byte *slotOf(int buffer, int64_t index, ElementType type) const;

  Bundle bundle_;
  Layout layout_;
  ThreadPool pool_;
  std::unique_ptr<Device> device_;
  Executor executor_;
};

} // namespace mlora
