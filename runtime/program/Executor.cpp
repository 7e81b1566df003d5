#include "mlora/Runtime/Program/Executor.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <utility>

namespace mlora {
namespace {

/// Rows that `flops_per_row` counts: the first run-time extent of the grid, else all (a reduction over
/// tokens, or over a chunk's).
int64_t rowsOf(const Kernel &kernel, const Scalars &scalars, bool isInChunk) {
  if (kernel.library)
    return kernel.library->m.at(scalars);
  for (const GridDimension &dimension : kernel.grid)
    if (!dimension.extent.isStatic())
      return dimension.extent.at(scalars);
  return isInChunk ? scalars.countedRows : scalars.rows;
}

/// Bytes between what two chunks of `rows` rows see of a buffer: of one that holds the rows of all chunks.
int64_t chunkStride(const Buffer &buffer, int64_t rows) {
  bool isCut =
      buffer.region != chunkRegion && !buffer.shape.empty() && buffer.shape[0].scalar == countedRowsScalar;
  return isCut ? bytesOf(buffer.type) * buffer.elements({.countedRows = rows}) : 0;
}

/// The adapter's parts of weights are written where the weights live; every other section reads.
bool writesWeights(const std::string &section) { return section == "prepare" || section == "update"; }

/// Pairs of a query row and a key row it attends to, where all rows are one document.
double pairsOf(const Scalars &scalars) { return double(scalars.rows) * double(scalars.rows + 1) / 2; }

} // namespace

Executor::Executor(const Manifest &manifest, const Layout &layout, Device &device,
                   const BorrowedWeights *borrowed)
    : manifest(manifest), layout(layout), device(device), borrowed(borrowed) {
  for (const Section &section : manifest.sections) {
    SectionRecords records{section.name, {}};
    for (const CommandLoop &loop : section.commands) {
      if (records.stretches.empty() || loop.inChunks || records.stretches.back().inChunks)
        records.stretches.push_back({loop.inChunks, {}});
      for (int64_t layer : loop.layers())
        for (const Launch &launch : loop.body)
          resolve(launch, layer, section.name, records.stretches.back());
    }
    findNextLayers(records);
    sections.push_back(std::move(records));
  }
  kernelTimings.resize(manifest.kernels.size());
}

void Executor::resolve(const Launch &launch, int64_t layer, const std::string &section, Stretch &stretch) {
  Record record{launch.kernel, addresses.size(), launch.arguments.size()};
  for (const Argument &argument : launch.arguments) {
    const Buffer &buffer = manifest.buffers[size_t(argument.buffer)];
    int64_t slot = (argument.slot + argument.layer * layer + argument.plus) % buffer.slots;
    buffers.push_back(argument.buffer);
    strides.push_back(stretch.inChunks ? chunkStride(buffer, manifest.chunkRows) : 0);
    slots.push_back(argument.isAll ? buffer.slots : 1);
    slot += slot < 0 ? buffer.slots : 0;
    if (borrowed && borrowed->has(size_t(argument.buffer))) {
      addresses.push_back(borrowed->address(size_t(argument.buffer), slot));
      continue;
    }
    bool isInRing = layout.isInRing(size_t(argument.buffer)) && !argument.isAll && !writesWeights(section);
    addresses.push_back(device.address(isInRing ? layout.ringOffset(size_t(argument.buffer), slot)
                                                : layout.offset(size_t(argument.buffer), slot)));
    if (!isInRing)
      continue;
    if (record.layer >= 0 && record.layer != slot)
      failed(
          "kernel " + manifest.kernels[size_t(launch.kernel)].name + " of the program's section " + section +
          " takes weights of layers " + std::to_string(record.layer) + " and " + std::to_string(slot) +
          " at once: offload=base needs launches of one layer each; give offload=none or offload=optimizer");
    record.layer = slot;
  }
  stretch.records.push_back(record);
}

void Executor::findNextLayers(SectionRecords &section) const {
  int64_t layer = -1, next = -1; // of the record behind, and behind that another one
  for (auto stretch = section.stretches.rbegin(); stretch != section.stretches.rend(); ++stretch)
    for (auto record = stretch->records.rbegin(); record != stretch->records.rend(); ++record) {
      if (record->layer < 0)
        continue;
      if (record->layer != layer)
        next = std::exchange(layer, record->layer);
      record->next = next;
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
  std::vector<Scalars> all = scalarsOf(*section, scalars);
  auto launches = [&] {
    for (const Stretch &stretch : section->stretches)
      for (size_t which = stretch.inChunks ? 1 : 0; which < (stretch.inChunks ? all.size() : 1); ++which)
        for (const Record &record : stretch.records)
          launch(record, all, which);
  };
  device.begin(all);
  if (!measuring)
    return device.replay(size_t(section - sections.begin()), scalars, launches);
  launches();
  for (auto [kernel, seconds] : device.takeTimes())
    kernelTimings[size_t(kernel)].seconds += seconds;
}

/// The section's own, and behind them each chunk's: how many rows it has, and that sums go on from the second
/// one on.
std::vector<Scalars> Executor::scalarsOf(const SectionRecords &section, const Scalars &scalars) const {
  std::vector<Scalars> all = {scalars};
  if (std::ranges::none_of(section.stretches, &Stretch::inChunks))
    return all;
  for (int64_t chunk = 0; chunk < chunksOf(manifest, scalars); ++chunk) {
    Scalars &mine = all.emplace_back(scalars);
    mine.countedRows = std::min(manifest.chunkRows, scalars.countedRows - chunk * manifest.chunkRows);
    if (chunk > 0)
      mine.accumulate = 1;
  }
  return all;
}

/// Number `which` of the scalars is the section's, or chunk `which` - 1's.
void Executor::launch(const Record &record, std::span<const Scalars> all, size_t which) {
  const Kernel &kernel = manifest.kernels[size_t(record.kernel)];
  const Scalars &scalars = all[which];
  std::vector<void *> operandsOfChunk;
  std::span<void *const> places = {addresses.data() + record.firstAddress, record.numAddresses};
  if (which > 0) {
    for (size_t i = 0; i < places.size(); ++i)
      operandsOfChunk.push_back(static_cast<std::byte *>(places[i]) +
                                int64_t(which - 1) * strides[record.firstAddress + i]);
    places = operandsOfChunk;
  }
  LaunchBuffers operands = {places,
                            {buffers.data() + record.firstAddress, record.numAddresses},
                            {slots.data() + record.firstAddress, record.numAddresses}};
  int64_t blocks = kernel.blocks(scalars);
  if (record.layer >= 0)
    device.useLayer(record.layer, record.next);
  auto launch = [&] {
    kernel.library ? device.product(record.kernel, operands, kernel.library->m.at(scalars))
                   : device.launch(record.kernel, operands, which, blocks);
  };
  if (!measuring)
    return launch();
  device.timed(record.kernel, launch);
  KernelTiming &timing = kernelTimings[size_t(record.kernel)];
  timing.calls += 1;
  timing.blocks += blocks;
  timing.bytes += kernel.bytes.at(scalars);
  timing.flops += kernel.flopsPerRow * double(rowsOf(kernel, scalars, which > 0)) +
                  kernel.flopsPerPair * pairsOf(scalars);
}

} // namespace mlora
