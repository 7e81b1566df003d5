#include "ReadAhead.h"

#include "RowCode.h"
#include "mlora/Runtime/Core/Error.h"

#include <sys/resource.h>
#include <unistd.h>

namespace mlora {

ReadAhead::ReadAhead(std::vector<Dataset> sets, std::vector<int64_t> needed, RowTokeniser rowTokeniser,
                     std::filesystem::path cache)
    : datasets(std::move(sets)), order(std::move(needed)), tokeniser(std::move(rowTokeniser)),
      cachePath(std::move(cache)) {
  for (size_t set = 0; set < datasets.size(); ++set)
    for (int64_t i = 0; i < datasets[set].rows(); ++i)
      places.push_back({int32_t(set), i});
  if (!cachePath.empty())
    if (std::optional<RowCache> found = RowCache::open(cachePath, rows()))
      cached.emplace(std::move(*found));
  if (cached) {
    eosMissed = cached->lacksEos();
    return;
  }
  turn.assign(places.size(), -1);
  for (size_t i = 0; i < order.size(); ++i)
    turn[size_t(order[i])] = int64_t(i);
  coded.resize(places.size());
  thread = std::thread([this] { work(); });
}

ReadAhead::~ReadAhead() {
  {
    std::lock_guard lock(mutex);
    stop = true;
  }
  demand.notify_all();
  if (thread.joinable())
    thread.join();
}

void ReadAhead::work() {
  // The lowest: where steps keep every core busy, what this thread takes makes all of them wait, and 1 % of a
  // core still tokenises many times what they use. (On Linux a priority is a thread's.)
  setpriority(PRIO_PROCESS, id_t(gettid()), 19);
  constexpr int64_t unit = 64; // rows between pauses
  auto begin = std::chrono::steady_clock::now();
  try {
    for (int64_t row : order) {
      {
        std::lock_guard lock(mutex);
        if (stop)
          return;
      }
      if (done && done % unit == 0) { // only this thread changes it
        pause(std::chrono::steady_clock::now() - begin);
        begin = std::chrono::steady_clock::now();
      }
      const Place &place = places[size_t(row)];
      coded[size_t(row)] = encodeRow(tokeniser(datasets[size_t(place.dataset)].row(place.row)));
      std::lock_guard lock(mutex);
      ++done;
      eosMissed = tokeniser.lacksEos();
      progress.notify_all();
    }
  } catch (...) {
    std::lock_guard lock(mutex);
    error = std::current_exception();
    progress.notify_all();
    return;
  }
  keep();
}

/// Nineteen times as long as it worked, when nobody is near what is done: steps then lose no more than a fraction
/// of a twentieth of a core, and a bad row is still found in minutes.
void ReadAhead::pause(std::chrono::steady_clock::duration worked) {
  constexpr int64_t plenty = 1024; // rows
  std::unique_lock lock(mutex);
  demand.wait_for(lock, 19 * worked, [&] { return stop || hurry || done - asked < plenty; });
}

/// Training goes on when the rows cannot be kept: a second run tokenises again.
void ReadAhead::keep() {
  std::string message;
  try {
    if (!cachePath.empty() && order.size() == places.size())
      RowCache::write(cachePath, rows(), tokeniser.lacksEos(), [this](int64_t i) { return words(i); });
  } catch (const std::exception &caught) {
    message = caught.what();
  }
  std::lock_guard lock(mutex);
  problem = message;
  kept = true;
  progress.notify_all();
}

std::span<const int32_t> ReadAhead::words(int64_t i) const {
  return cached ? cached->row(i) : std::span<const int32_t>(coded[size_t(i)]);
}

Sequence ReadAhead::row(int64_t i) {
  if (!cached) {
    std::unique_lock lock(mutex);
    int64_t position = turn[size_t(i)];
    asked = std::max(asked, position);
    demand.notify_all();
    progress.wait(lock, [&] { return error || done > position; });
    // A bad row anywhere is told before more is trained that it would cost.
    if (error)
      std::rethrow_exception(error);
  }
  return decodeRow(words(i));
}

void ReadAhead::finish() {
  if (cached)
    return;
  std::unique_lock lock(mutex);
  hurry = true;
  demand.notify_all();
  progress.wait(lock, [&] { return error || kept; });
  if (error)
    std::rethrow_exception(error);
}

bool ReadAhead::isComplete() {
  std::lock_guard lock(mutex);
  return cached || kept;
}

bool ReadAhead::lacksEos() {
  std::lock_guard lock(mutex);
  return eosMissed;
}

std::string ReadAhead::cacheProblem() {
  std::lock_guard lock(mutex);
  return problem;
}

} // namespace mlora
