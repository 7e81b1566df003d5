// A compiled program ready to run: bundle, device, threads, and its inputs and outputs by name.
#pragma once

#include "mlora/Runtime/Program/Executor.h"

#include <map>
#include <optional>
#include <span>

namespace mlora {

class Program {
public:
  /// `capacity` bounds the rows of every run (Layout). `threads` 0: as many as the process may use. Weights that
  /// `lender`, which must outlive this program, has in the host's memory are used where they are.
  Program(Bundle bundle, const Scalars &capacity, int64_t threads = 0, Offload offload = {},
          const Program *lender = nullptr);

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
  /// An output, as large as its capacity, or its first `count` values; valid until it is asked for again.
  std::span<const float> output(std::string_view name, std::optional<size_t> count = {});

  /// Elements [first, first + values.size()) of a slot of a f32 buffer, to the device and back.
  void write(int buffer, int64_t slot, int64_t first, std::span<const float> values);
  void read(int buffer, int64_t slot, int64_t first, std::span<float> values);
  /// All bytes of a slot, as Device::write() takes them in pieces.
  void write(int buffer, int64_t slot, int64_t granule, const Device::Fill &fill);
  /// All elements of a slot of a f32 buffer where the arena is memory of the host. Throws Error(Failed)
  /// elsewhere, and for a buffer of another type.
  std::span<float> slot(int buffer, int64_t index) const;
  /// The same of a bf16 buffer, as bits.
  std::span<uint16_t> bfloatSlot(int buffer, int64_t index) const;
  /// The same of a weight that stays in blocks.
  std::span<const uint8_t> byteSlot(int buffer, int64_t index) const;

  /// Whether a weight is the lender's: it is there already.
  bool isBorrowed(int buffer) const { return borrowed_.has(size_t(buffer)); }

  int64_t arenaBytes() const { return layout_.arenaBytes(); }
  int64_t hostBytes() const { return layout_.hostBytes(); } ///< what `offload` has moved to the host's memory

private:
  void setInput(std::string_view name, const void *values, size_t count, ElementType type);
  std::byte *slotOf(int buffer, int64_t index, ElementType type) const;
  int64_t placeOf(int buffer, int64_t slot, int64_t first, size_t count) const;

  Bundle bundle_;
  Layout layout_;
  ThreadPool pool_;
  std::unique_ptr<Device> device_;
  BorrowedWeights borrowed_;
  Executor executor_;
  std::map<int, std::vector<float>> outputs_; ///< copies, where the arena is not the host's
};

} // namespace mlora
