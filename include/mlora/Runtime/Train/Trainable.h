// What a run trains, between files and program: an adapter, or every weight of the base.
#pragma once

#include "mlora/Runtime/Adapter/AdapterProgram.h"
#include "mlora/Runtime/Config/TrainConfig.h"

#include <optional>

namespace mlora {

/// Puts the base's weights and the start of training into a fresh program: the adapter's tensors, or for
/// method=ft (no adapter) the base's. The adapter then gives up its tensors: one copy of everything is
/// resident.
void loadStart(Program &program, Parameters &parameters, const Checkpoint &base,
               std::optional<Adapter> &adapter);

/// Everything of an adapter but its tensors.
Adapter describeAdapter(const Adapter &adapter);

/// Throws Error(BadInput), naming `where` and the key, unless both have the same method, sizes and targets.
void checkSameShape(const Adapter &adapter, const Adapter &expected, const std::string &where);

/// A whole Hugging Face checkpoint in f32: the parameters where given, the base for the rest, and `files` (a
/// tokenizer's).
void writeFullCheckpoint(const std::filesystem::path &folder, const Checkpoint &base,
                         const Parameters *parameters,
                         const std::vector<std::pair<std::string, std::string>> &files);

/// The trained tensors of a program, written as the files that users load.
class Trainable {
public:
  /// `adapter` describes it (no tensors needed); null: method=ft. All must outlive this object.
  Trainable(const Checkpoint &base, const Adapter *adapter, Parameters &parameters)
      : base(base), description(adapter), parameters(parameters) {}

  bool isAdapter() const { return description != nullptr; }
  const Adapter *shape() const { return description; }
  Parameters &tensors() { return parameters; }

  /// From a folder that save() wrote.
  void load(const std::filesystem::path &folder);
  /// The four files of an adapter, or a Hugging Face checkpoint in f32 with `files` (a tokenizer's) beside
  /// it.
  void save(const std::filesystem::path &folder,
            const std::vector<std::pair<std::string, std::string>> &files) const;
  /// About what save() writes.
  int64_t bytes() const;

private:
  Adapter adapter() const;
  const Checkpoint &base;
  const Adapter *description;
  Parameters &parameters;
};

} // namespace mlora
