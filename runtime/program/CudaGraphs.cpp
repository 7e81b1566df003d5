#include "CudaGraphs.h"

#include <algorithm>

namespace mlora {

CudaGraphs::CudaGraphs(const cuda::Table &table, const Manifest &manifest, cuda::Stream *stream)
    : table(table), stream(stream) {
  for (const Section &section : manifest.sections) {
    auto &extents = decides.emplace_back();
    auto count = [&extents](const Extent &extent) {
      if (!extent.isStatic())
        extents[size_t(extent.scalar)] = true;
    };
    for (const CommandLoop &loop : section.commands) {
      if (loop.inChunks) // how often it runs
        extents[countedRowsScalar] = true;
      for (const Launch &launch : loop.body) {
        const Kernel &kernel = manifest.kernels[size_t(launch.kernel)];
        for (const GridDimension &dimension : kernel.grid)
          count(dimension.extent);
        for (const TensorMap &map : kernel.tensorMaps)
          count(map.rows);
        if (kernel.library)
          count(kernel.library->m);
        // The emulator is shown of each buffer as much as there are rows.
        if (table.isEmulated())
          for (const Argument &argument : launch.arguments)
            for (const Extent &extent : manifest.buffers[size_t(argument.buffer)].shape)
              count(extent);
      }
    }
  }
}

bool CudaGraphs::capture(Entry &entry, const std::function<void()> &launches) {
  const cuda::DriverTable &driver = table.driver;
  abandoned = false;
  check(table, driver.streamBeginCapture(stream, cuda::CaptureMode::ThreadLocal), "cuStreamBeginCapture");
  cuda::Graph *graph = nullptr;
  capturing = true;
  try {
    launches();
    capturing = false;
  } catch (...) {
    capturing = false;
    if (driver.streamEndCapture(stream, &graph) == cuda::Result::Success && graph)
      driver.graphDestroy(graph);
    throw;
  }
  check(table, driver.streamEndCapture(stream, &graph), "cuStreamEndCapture");
  if (abandoned) {
    driver.graphDestroy(graph);
    return false;
  }
  cuda::GraphExec *executable = nullptr;
  cuda::Result result = driver.graphInstantiate(&executable, graph, 0);
  driver.graphDestroy(graph);
  check(table, result, "cuGraphInstantiate");
  entry.graph = {table, executable};
  ++captures;
  return true;
}

void CudaGraphs::run(size_t section, const Scalars &scalars, const std::function<void()> &launches) {
  Key key = {int64_t(section)};
  for (size_t i = 0; i < LinearBytes::extents; ++i)
    key[i + 1] = decides[section][i] ? scalars[int(i)] : 0;
  auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry &entry) { return entry.key == key; });
  if (found == entries.end()) {
    entries.push_front({key, 0, {}});
    if (entries.size() > most)
      entries.pop_back();
  } else {
    entries.splice(entries.begin(), entries, found);
  }
  Entry &entry = entries.front();
  if (entry.times < timesBefore) {
    ++entry.times;
    return launches();
  }
  if (!entry.graph.get() && !capture(entry, launches))
    return launches();
  check(table, table.driver.graphLaunch(entry.graph.get(), stream), "cuGraphLaunch");
  ++replays;
}

} // namespace mlora
