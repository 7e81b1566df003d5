#include "mlora/Runtime/Program/Executor.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <chrono>

namespace mlora {
namespace {

/// Rows that `flops_per_row` counts: the first run-time extent of the grid, else all (a reduction over
/// tokens).
int64_t rowsOf(const Kernel &kernel, const Scalars &scalars) {
  if (kernel.library)
    return kernel.library->m.at(scalars);
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

Executor::Executor(const Manifest &manifest, const Layout &layout, Device &device)
    : manifest(manifest), layout(layout), device(device) {
  for (const Section &section : manifest.sections) {
    SectionRecords records{section.name, {}};
    for (const CommandLoop &loop : section.commands)
      for (int64_t layer : loop.layers())
        for (const Launch &launch : loop.body)
          resolve(launch, layer, records);
    sections.push_back(std::move(records));
  }
  kernelTimings.resize(manifest.kernels.size());
}

void Executor::resolve(const Launch &launch, int64_t layer, SectionRecords &section) {
  section.records.push_back({launch.kernel, addresses.size(), launch.arguments.size()});
  for (const Argument &argument : launch.arguments) {
    const Buffer &buffer = manifest.buffers[size_t(argument.buffer)];
    int64_t slot = (argument.slot + argument.layer * layer + argument.plus) % buffer.slots;
    buffers.push_back(argument.buffer);
    slots.push_back(argument.isAll ? buffer.slots : 1);
    addresses.push_back(
        device.address(layout.offset(size_t(argument.buffer), slot < 0 ? slot + buffer.slots : slot)));
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
  auto section = std::find_if(sections.begin(), sections.end(),
                              [name](const SectionRecords &known) { return known.name == name; });
  if (section == sections.end())
    failed("the program has no section " + std::string(name));
  auto launches = [&] {
    for (const Record &record : section->records)
      launch(record, scalars);
  };
  device.begin(scalars);
  measuring ? launches() : device.replay(size_t(section - sections.begin()), scalars, launches);
}

void Executor::launch(const Record &record, const Scalars &scalars) {
  const Kernel &kernel = manifest.kernels[size_t(record.kernel)];
  LaunchBuffers operands = {{addresses.data() + record.firstAddress, record.numAddresses},
                            {buffers.data() + record.firstAddress, record.numAddresses},
                            {slots.data() + record.firstAddress, record.numAddresses}};
  int64_t blocks = kernel.blocks(scalars);
  auto launch = [&] {
    kernel.library ? device.product(record.kernel, operands, kernel.library->m.at(scalars))
                   : device.launch(record.kernel, operands, scalars, blocks);
  };
  if (!measuring)
    return launch();
  device.synchronize();
  auto start = std::chrono::steady_clock::now();
  launch();
  device.synchronize();
  KernelTiming &timing = kernelTimings[size_t(record.kernel)];
  timing.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  timing.calls += 1;
  timing.blocks += blocks;
  timing.bytes += kernel.bytes.at(scalars);
  timing.flops +=
      kernel.flopsPerRow * double(rowsOf(kernel, scalars)) + kernel.flopsPerPair * pairsOf(scalars);
}

} // namespace mlora
