// The emulated device: memory, streams that run nothing before somebody waits for it, and what it objects to.
#pragma once

#include "mlora/Runtime/Cuda/Cuda.h"
#include "mlora/Runtime/Cuda/Emulated.h"

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

namespace mlora::cuda {

/// A call or operation that the real device would refuse, or get wrong.
struct Refusal {
  Result result;
  std::string text;
};

[[noreturn]] inline void refuse(Result result, const std::string &text) { throw Refusal{result, text}; }

/// Of each stream, by its number, how many operations come before.
using Moment = std::map<unsigned, uint64_t>;
void join(Moment &into, const Moment &other);

/// Bytes that an operation touches: of the device, or pinned ones.
struct Range {
  uint64_t begin, bytes;
  bool writes;
  bool overlaps(const Range &other) const {
    return begin < other.begin + other.bytes && other.begin < begin + bytes;
  }
};

struct Operation {
  std::string name;
  std::vector<Range> ranges;
  std::function<void()> run; ///< throws Refusal
  uint64_t number = 0;       ///< in its stream, from 1
};

/// What a lane of a graph does: an operation, or it reaches an event of the graph, or waits for one.
struct GraphStep {
  unsigned lane = 0;
  Operation operation = {};
  int reaches = -1, waits = -1; ///< a number among the graph's events
};

/// Lane 0 is the stream that is captured, another one each stream that has waited for an event of the
/// capture.
struct Graph {
  std::vector<GraphStep> steps;
  unsigned lanes = 1;
  int events = 0;
};

/// Lanes behind the first run on streams of its own.
struct GraphExec {
  Graph graph;
  std::vector<Stream *> streams;
};

/// A capture under way.
struct Capture {
  uint64_t number = 0; ///< of all captures, from 1
  Graph graph;
  std::vector<Stream *> streams;  ///< of each lane
  std::vector<uint64_t> recorded; ///< of each lane, its steps
  std::vector<Moment> orders;     ///< of each lane, what comes before its next step: by lanes, their steps

  void add(unsigned lane, GraphStep step);
};

struct Stream {
  unsigned number = 0;
  std::deque<Operation> pending;
  uint64_t enqueued = 0;
  Moment order;                     ///< what comes before its next operation
  std::shared_ptr<Capture> capture; ///< what it records into instead of running
  unsigned lane = 0;                ///< of the capture
};

struct Event {
  bool hasTiming = true;
  Stream *stream = nullptr; ///< null: not recorded yet, or in a capture
  uint64_t number = 0;      ///< of its stream, the last operation before it
  Moment order;
  double milliseconds = -1; ///< when it was reached; -1: not yet
  uint64_t capture = 0;     ///< the number of the capture that has recorded it; 0: none
  int inGraph = -1;         ///< its number in that capture's graph, whose lanes `order` is of
};

struct Function {
  const EmulatedKernel *kernel;
  Module *module;
  unsigned mostDynamicBytes;
};

struct Module {
  EmulatedImage image;
  std::vector<DevicePointer> constants;
  std::map<std::string, Function> functions;
};

struct Context {};

/// What a launch may touch of some allocations; of others everything.
struct LaunchViews {
  std::vector<DevicePointer> allocations;
  std::vector<MemoryView> views;
};

/// The one device of the process. Calls come from one thread.
class Emulation {
public:
  // As of a Hopper GPU.
  static constexpr unsigned mostThreads = 1024, sharedBytes = 48 << 10, sharedBytesOptIn = 227 << 10;
  static constexpr unsigned mostGridX = 0x7fffffff, mostGridYZ = 65535;

  static Emulation &get();

  struct Allocation {
    size_t bytes;
    std::string name;
    bool isHosts = false; ///< pinned memory of the host that kernels may touch
  };

  /// Of the allocation that holds these bytes; throws when there is none. `what` names them in the message.
  const Allocation &allocationOf(DevicePointer begin, size_t bytes, const std::string &what) const;
  DevicePointer allocate(size_t bytes, const std::string &name);
  /// Pinned memory of the host at an address that is the device's, too.
  void *allocateMapped(size_t bytes);
  /// The device's memory that is taken.
  size_t usedBytes() const;
  void free(DevicePointer memory);
  bool isPinned(const void *memory, size_t bytes) const;
  /// Pinned, and kernels may touch it.
  bool isMapped(const void *memory) const;
  emulator::GlobalMemory &memory();

  /// Behind what the stream holds already. Throws when another stream's operation touches the same bytes and
  /// nothing orders the two.
  void enqueue(Stream &stream, Operation operation);
  /// Runs what comes up to operation `number` of a stream.
  void runUntil(Stream &stream, uint64_t number);
  void runAll(Stream &stream) { runUntil(stream, stream.enqueued); }
  /// What the stream does from here on comes behind operation `number` of another one, before which `order`
  /// is.
  void waitFor(Stream &stream, Stream *other, uint64_t number, const Moment &order);
  /// The host has waited for a moment.
  void hostWaited(const Moment &order) { join(host, order); }
  /// Throws when an operation that is not done yet conflicts with the host's access.
  void checkHostAccess(const void *memory, size_t bytes, bool writes) const;
  Stream &streamOf(Stream *stream) const;
  /// Throws while a stream records: what would wait or allocate cannot be captured.
  void checkNotCapturing(const char *function) const;
  bool isCapturing() const;

  void releaseContext();

  std::string explanation; ///< of the last refusal
  Result sticky = Result::Success;
  int retained = 0;
  Context context, *current = nullptr;
  size_t total = 0;
  std::map<DevicePointer, Allocation> allocations;
  std::map<const void *, size_t> pinned;
  std::set<Stream *> streams;
  std::set<Event *> events;
  std::set<Module *> modules;
  std::set<GraphExec *> graphs;
  uint64_t captures = 0;
  unsigned streamNumbers = 0;
  uint64_t launches = 0;
  LaunchViews nextViews;

private:
  std::string leaks() const;
  std::unique_ptr<emulator::GlobalMemory> globalMemory;
  Moment host; ///< what the host has waited for
};

/// Runs the body of a function of the table: a Refusal becomes its result and the explanation.
template <typename Body> Result guarded(const char *function, Body body) {
  Emulation &device = Emulation::get();
  if (device.sticky != Result::Success)
    return device.sticky;
  try {
    if (!device.current)
      refuse(Result::InvalidContext, std::string(function) + ": no context is current");
    body(device);
    return Result::Success;
  } catch (const Refusal &refusal) {
    device.explanation = refusal.text;
    return refusal.result;
  }
}

inline std::string bytesText(size_t bytes) { return std::to_string(bytes) + " bytes"; }

#define MLORA_DRIVER_FUNCTION(name, symbol, parameters) Result emulated_##name parameters;
#include "mlora/Runtime/Cuda/DriverFunctions.def"
#define MLORA_BLASLT_FUNCTION(name, symbol, parameters) BlasStatus emulated_##name parameters;
#include "mlora/Runtime/Cuda/BlasLtFunctions.def"
Result emulated_showNextLaunch(std::vector<DevicePointer> allocations, std::vector<MemoryView> views);
Result emulated_hostAccess(const void *memory, size_t bytes, bool writes);
Result emulated_nameAllocation(DevicePointer allocation, const char *name);
const char *emulated_statusString(BlasStatus status);

} // namespace mlora::cuda
