// Rows of data sets as tokens, made by a thread ahead of their use.
#pragma once

#include "RowCache.h"
#include "RowTokeniser.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <thread>

namespace mlora {

/// Rows are numbered through all data sets. The thread takes them in the order in which they will be asked
/// for, at low priority, and with pauses once it is far ahead: a training step on the same cores is not
/// slowed down by more than it must. Once all rows are tokenised they are written to the cache; where that
/// holds them already no thread runs.
class ReadAhead {
public:
  /// `order` is the rows that are needed, each once. `cache` may be empty: nothing is kept.
  ReadAhead(std::vector<Dataset> datasets, std::vector<int64_t> order, RowTokeniser tokeniser,
            std::filesystem::path cache);
  ~ReadAhead();

  int64_t rows() const { return int64_t(places.size()); }
  /// DatasetRow::isDocument of a row; does not wait.
  bool isDocument(int64_t i) const {
    return datasets[size_t(places[size_t(i)].dataset)].isDocument(places[size_t(i)].row);
  }
  /// Waits until the row is there. Throws what was wrong with it, or with any row that came before.
  Sequence row(int64_t i);
  /// Waits for all rows that are needed.
  void finish();
  /// Every row that is needed is there: row() does not wait.
  bool isComplete();
  bool lacksEos();
  /// Why the rows could not be kept, once they are complete; often empty.
  std::string cacheProblem();

private:
  struct Place {
    int32_t dataset;
    int64_t row;
  };
  void work();
  void pause(std::chrono::steady_clock::duration worked);
  void keep();
  std::span<const int32_t> words(int64_t i) const;

  std::vector<Dataset> datasets;
  std::vector<Place> places;        ///< of each row
  std::vector<int64_t> order, turn; ///< turn[row]: its position in `order`, or -1
  RowTokeniser tokeniser;
  std::filesystem::path cachePath;
  std::optional<RowCache> cached;

  std::vector<std::vector<int32_t>>
      coded; ///< by row; written by the thread, read once `done` is beyond its turn
  std::mutex mutex;
  std::condition_variable progress, demand;
  int64_t done = 0;  ///< of `order`
  int64_t asked = 0; ///< of `order`, the furthest that was asked for
  bool stop = false, hurry = false, kept = false, eosMissed = false;
  std::exception_ptr error;
  std::string problem;
  std::thread thread;
};

} // namespace mlora
