// The folder in which a merge grows, and the journal of what is done in it.
#pragma once

#include "StoreRounding.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mlora {

/// `.<name>.merge` beside the target holds `out/` (the files as they will be) and `journal.jsonl`: the key of
/// what is merged, then a line for each tensor whose bytes are on disk, with its sums. A merge with the same
/// key goes on from there; with another one it begins anew. Locked while its writer lives.
class MergeJournal {
public:
  struct Entry {
    std::string file, tensor;
    UpdateSums sums;
  };

  /// Throws Error(BadInput) when another process merges to this target, or the folder is not ours.
  MergeJournal(const std::filesystem::path &target, const std::string &key);
  /// Removes the folder unless keep() was called.
  ~MergeJournal();
  MergeJournal(const MergeJournal &) = delete;
  MergeJournal &operator=(const MergeJournal &) = delete;

  /// By file and tensor: done by an earlier call.
  const std::map<std::pair<std::string, std::string>, UpdateSums> &done() const { return finished; }
  std::filesystem::path out() const { return folder / "out"; }
  /// Appends and syncs. The tensors' bytes must be on disk already.
  void add(const std::vector<Entry> &entries);
  /// Leaves the folder for a later call.
  void keep() { kept = true; }
  /// Before out() is renamed into place: what is there afterwards is not what the journal tells of.
  void forget();

private:
  bool readEntries(const std::string &key);
  void begin(const std::string &key);

  std::filesystem::path folder;
  std::map<std::pair<std::string, std::string>, UpdateSums> finished;
  int lock = -1, journal = -1;
  bool kept = false;
};

} // namespace mlora
