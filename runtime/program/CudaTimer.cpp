#include "CudaTimer.h"

namespace mlora {

void CudaTimer::time(int kernel, const std::function<void()> &launch) {
  if (kernels.size() == events.size())
    events.push_back({makeEvent(table, 0), makeEvent(table, 0)});
  const Pair &pair = events[kernels.size()];
  check(table, table.driver.eventRecord(pair.start.get(), stream), "cuEventRecord");
  launch();
  check(table, table.driver.eventRecord(pair.end.get(), stream), "cuEventRecord");
  kernels.push_back(kernel);
}

std::vector<std::pair<int, double>> CudaTimer::take() {
  std::vector<std::pair<int, double>> times;
  if (kernels.empty())
    return times;
  check(table, table.driver.eventSynchronize(events[kernels.size() - 1].end.get()), "cuEventSynchronize");
  for (size_t i = 0; i < kernels.size(); ++i) {
    float milliseconds = 0;
    check(table, table.driver.eventElapsedTime(&milliseconds, events[i].start.get(), events[i].end.get()),
          "cuEventElapsedTime");
    times.emplace_back(kernels[i], double(milliseconds) / 1e3);
  }
  kernels.clear();
  return times;
}

} // namespace mlora
