#include "mlora/Runtime/Program/Executor.h"

#include "mlora/Runtime/Core/Error.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

namespace mlora {
namespace {

constexpr int64_t alignment = 64;

int64_t roundUp(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

/// What a block of a launch needs; one for all its blocks.
struct LaunchContext {
  mlora_kernel function;
  void *const *buffers;
  const int64_t *scalars;
  std::byte *scratch;
  int64_t scratchStride;
};

void runBlock(void *opaque, int64_t block, int64_t worker) {
  const auto &context = *static_cast<const LaunchContext *>(opaque);
  context.function(block, context.buffers, context.scalars, context.scratch + worker * context.scratchStride);
}

/// Rows that `flops_per_row` counts: the first run-time extent of the grid, else all (a reduction over
/// tokens).
int64_t rowsOf(const Kernel &kernel, const Scalars &scalars) {
  for (const GridDimension &dimension : kernel.grid)
    if (!dimension.extent.isStatic())
      return dimension.extent.at(scalars);
  return scalars.rows;
}

/// Pairs of a query row and a key row it attends to, where all rows are one document.
double pairsOf(const Scalars &scalars) {
  return double(scalars.rows) * (double(scalars.past) + double(scalars.rows + 1) / 2);
}

} // namespace

void Executor::FreeScratch::operator()(std::byte *memory) const { std::free(memory); }

Executor::Executor(const Bundle &bundle, const Layout &layout, const Arena &arena, ThreadPool &pool)
    : manifest(bundle.manifest), layout(layout), arena(arena), pool(pool),
      scratchStride(roundUp(std::max(manifest.scratchBytes, alignment))) {
  for (const Kernel &kernel : manifest.kernels)
    functions.push_back(bundle.code.kernel(kernel.symbol));
  for (const Section &section : manifest.sections) {
    SectionRecords records{section.name, {}};
    for (const CommandLoop &loop : section.commands)
      for (int64_t layer : loop.layers())
        for (const Launch &launch : loop.body)
          resolve(launch, layer, records);
    sections.push_back(std::move(records));
  }
  // Fresh pages: each is placed when the thread that uses it first writes to it.
  scratch.reset(static_cast<std::byte *>(std::aligned_alloc(size_t(alignment), size_t(scratchBytes()))));
  if (!scratch)
    failed("no memory for " + std::to_string(scratchBytes() >> 20) + " MiB of scratch");
  kernelTimings.resize(manifest.kernels.size());
}

void Executor::resolve(const Launch &launch, int64_t layer, SectionRecords &section) {
  section.records.push_back({launch.kernel, addresses.size()});
  for (const Argument &argument : launch.arguments) {
    const Buffer &buffer = manifest.buffers[size_t(argument.buffer)];
    int64_t slot = (argument.slot + argument.layer * layer + argument.plus) % buffer.slots;
    addresses.push_back(
        arena.at(layout.offset(size_t(argument.buffer), slot < 0 ? slot + buffer.slots : slot)));
  }
}

bool Executor::has(std::string_view name) const {
  for (const SectionRecords &section : sections)
    if (section.name == name)
      return true;
  return false;
}

void Executor::checkCapacity(const Scalars &scalars) const {
  for (int i = 0; i < LinearBytes::extents; ++i)
    if (scalars[i] < 0 || scalars[i] > layout.capacity()[i])
      failed("the program was opened for " + std::to_string(layout.capacity()[i]) + " " +
             std::string(scalarNames[size_t(i)]) + " at most, not " + std::to_string(scalars[i]));
}

void Executor::run(std::string_view name, const Scalars &scalars) {
  checkCapacity(scalars);
  for (const SectionRecords &section : sections) {
    if (section.name != name)
      continue;
    for (const Record &record : section.records)
      launch(record, scalars);
    return;
  }
  failed("the program has no section " + std::string(name));
}

void Executor::launch(const Record &record, const Scalars &scalars) {
  const Kernel &kernel = manifest.kernels[size_t(record.kernel)];
  LaunchContext context = {functions[size_t(record.kernel)], addresses.data() + record.firstAddress,
                           scalars.data(), scratch.get(), scratchStride};
  int64_t blocks = kernel.blocks(scalars);
  if (!measuring)
    return pool.run(blocks, runBlock, &context);
  auto start = std::chrono::steady_clock::now();
  pool.run(blocks, runBlock, &context);
  KernelTiming &timing = kernelTimings[size_t(record.kernel)];
  timing.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  timing.calls += 1;
  timing.blocks += blocks;
  timing.bytes += kernel.bytes.at(scalars);
  timing.flops +=
      kernel.flopsPerRow * double(rowsOf(kernel, scalars)) + kernel.flopsPerPair * pairsOf(scalars);
}

} // namespace mlora
