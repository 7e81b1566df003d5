// Several processes at once, where nothing is timed.
#pragma once

#include "Parts.h"

#include <thread>

namespace gpucheck {

/// A row of each name, in their order, from `work(name)`, which runs in threads.
template <typename Work> Json sideBySide(const std::vector<std::string> &names, size_t threads, Work work) {
  std::vector<Json> rows(names.size());
  std::atomic<size_t> next = 0;
  auto take = [&] {
    for (size_t i; (i = next++) < names.size();)
      try {
        rows[i] = work(names[i]);
      } catch (const std::exception &error) {
        rows[i] = {{"name", names[i]}, {"problem", error.what()}};
      }
  };
  std::vector<std::thread> started;
  for (size_t i = 0; i < std::min(threads, names.size()); ++i)
    started.emplace_back(take);
  for (std::thread &thread : started)
    thread.join();
  return Json(std::move(rows));
}

} // namespace gpucheck
