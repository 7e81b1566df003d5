// Several processes at once, where nothing is timed.
#pragma once

#include "Parts.h"

#include <thread>

namespace gpucheck {

/// A row of each name from `work(name)`, which runs in threads; `keep(rows)` has those that there are, in the names'
/// order, behind each.
template <typename Work, typename Keep>
void sideBySide(const std::vector<std::string> &names, size_t threads, Work work, Keep keep) {
  std::vector<Json> rows(names.size());
  std::atomic<size_t> next = 0;
  std::mutex keeping;
  auto take = [&] {
    for (size_t i; (i = next++) < names.size();) {
      Json row;
      try {
        row = work(names[i]);
      } catch (const std::exception &error) {
        row = {{"name", names[i]}, {"problem", error.what()}};
      }
      std::lock_guard lock(keeping);
      rows[i] = std::move(row);
      Json found = Json::array();
      std::copy_if(rows.begin(), rows.end(), std::back_inserter(found), [](const Json &row) { return !row.is_null(); });
      keep(std::move(found));
    }
  };
  std::vector<std::thread> started;
  for (size_t i = 0; i < std::min(threads, names.size()); ++i)
    started.emplace_back(take);
  for (std::thread &thread : started)
    thread.join();
}

} // namespace gpucheck
