#include "mlora/Runtime/Train/Checkpoints.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <random>
#include <unistd.h>

namespace fs = std::filesystem;

namespace mlora {
namespace {

constexpr const char *optimizerFile = "optimizer.safetensors", *stateFile = "trainer_state.json",
                     *runFile = ".mlora-run";

// PyTorch's names of AdamW's moments.
std::string momentName(const std::string &tensor, ParameterPart part) {
  return tensor + (part == ParameterPart::Moment1 ? ".exp_avg" : ".exp_avg_sq");
}

constexpr ParameterPart moments[] = {ParameterPart::Moment1, ParameterPart::Moment2};

void writeOptimizer(const fs::path &path, const Parameters &parameters) {
  std::vector<SafetensorsSpec> specs;
  std::map<std::string, std::pair<const ParameterTensor *, ParameterPart>> byName;
  for (const ParameterTensor &tensor : parameters.tensors())
    for (ParameterPart part : moments) {
      specs.push_back({momentName(tensor.name, part), "F32", tensor.shape});
      byName[specs.back().name] = {&tensor, part};
    }
  SafetensorsWriter writer(path, specs);
  for (const SafetensorsSpec &spec : writer.order()) {
    auto [tensor, part] = byName[spec.name];
    std::vector<float> values = parameters.read(*tensor, part);
    writer.write(values.data(), values.size() * sizeof(float));
  }
  writer.commit();
}

void readOptimizer(const fs::path &path, Parameters &parameters) {
  SafetensorsFile file(path);
  for (const ParameterTensor &tensor : parameters.tensors())
    for (ParameterPart part : moments) {
      const SafetensorsEntry &entry = file.get(momentName(tensor.name, part));
      if (entry.dtype != "F32" || entry.shape != tensor.shape)
        badInput(path.string() + ": tensor " + entry.name + " is of another type or shape than " +
                 tensor.name);
      parameters.write(tensor, part, file.floats(entry.name));
    }
}

/// Throws an Error unless every file of a checkpoint is there and whole.
TrainState checkWhole(const fs::path &folder) {
  TrainState state = TrainState::read(folder);
  SafetensorsFile optimizer(folder / optimizerFile);
  bool full = fs::exists(folder / "model.safetensors");
  SafetensorsFile tensors(folder / (full ? "model.safetensors" : "mlora_adapter.safetensors"));
  return state;
}

/// Whether a checkpoint whose state cannot be read is ours all the same: the state is not JSON (another
/// program's is), and the optimizer's file is one that only we write.
bool isDamaged(const fs::path &folder) {
  try {
    readJsonFile(folder / stateFile);
    return false;
  } catch (const Error &) {
  }
  try {
    SafetensorsFile optimizer(folder / optimizerFile);
    return std::ranges::all_of(optimizer.tensors(), [](const SafetensorsEntry &entry) {
      return entry.name.ends_with(".exp_avg") || entry.name.ends_with(".exp_avg_sq");
    });
  } catch (const Error &) {
    return false;
  }
}

/// Hugging Face's and others' folders have the same name, and may not be replaced: a state that we wrote is
/// what tells ours, or what is left of one.
void checkOurs(const fs::path &folder) {
  std::error_code code;
  if (!fs::exists(fs::symlink_status(folder, code)))
    return;
  try {
    TrainState::read(folder);
  } catch (const Error &error) {
    if (isDamaged(folder))
      return;
    badInput(folder.string() + ": is no checkpoint of ours and would be replaced (" + error.what() +
             "): choose another output_dir, or remove it");
  }
}

constexpr std::string_view removedSuffix = ".removed";

/// Gone at once, in the eyes of whoever looks for checkpoint-*.
void removeFolder(const fs::path &folder) {
  fs::path aside = folder.parent_path() / ("." + folder.filename().string() + std::string(removedSuffix));
  std::error_code ignored;
  fs::remove_all(aside, ignored);
  fs::rename(folder, aside, ignored);
  fs::remove_all(aside, ignored);
}

} // namespace

bool Checkpoints::has(int64_t step, const std::string &run) const {
  try {
    return checkWhole(folderOf(step)).run == run;
  } catch (const Error &) {
    return false;
  }
}

fs::path Checkpoints::save(Trainable &trainable, const TrainState &state,
                           const std::vector<std::pair<std::string, std::string>> &files) {
  fs::path path = folderOf(state.step);
  checkOurs(path);
  AtomicFolder folder(path, ExistingFolder::Replace);
  trainable.save(folder.aside(), files);
  writeOptimizer(folder.aside() / optimizerFile, trainable.tensors());
  writeFileAtomically(folder.aside() / stateFile, state.toJson().dump(2) + "\n");
  folder.commit();
  prune(state);
  return path;
}

TrainState Checkpoints::load(const fs::path &folder, Trainable &trainable) {
  TrainState state = TrainState::read(folder);
  trainable.load(folder);
  readOptimizer(folder / optimizerFile, trainable.tensors());
  return state;
}

std::optional<int64_t> Checkpoints::stepOf(std::string_view name) {
  static constexpr std::string_view prefix = "checkpoint-";
  int64_t step = 0;
  if (!name.starts_with(prefix))
    return std::nullopt;
  auto [rest, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  if (error != std::errc() || rest != name.data() + name.size() || step < 0)
    return std::nullopt;
  return step;
}

/// Ascending.
std::vector<int64_t> Checkpoints::steps() const {
  std::vector<int64_t> result;
  std::error_code code;
  for (fs::directory_iterator entry(outputDir, code), end; !code && entry != end; entry.increment(code))
    if (std::optional<int64_t> step = stepOf(entry->path().filename().string()))
      result.push_back(*step);
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<fs::path> Checkpoints::newest(const std::function<void(const std::string &)> &message) const {
  std::vector<int64_t> candidates = steps();
  std::string run = currentRun();
  for (auto step = candidates.rbegin(); step != candidates.rend(); ++step) {
    fs::path folder = folderOf(*step);
    try {
      TrainState state = checkWhole(folder);
      if (run.empty() || state.run == run)
        return folder;
      message(folder.string() + " belongs to an earlier run in this folder and is passed over");
    } catch (const Error &error) {
      message(folder.string() + " is not whole and is passed over (" + error.what() + ")");
    }
  }
  return std::nullopt;
}

void Checkpoints::prune(const TrainState &state) const {
  if (retention.newest <= 0)
    return;
  std::vector<int64_t> ours;
  for (int64_t step : steps()) {
    try {
      bool spared = retention.best && step == state.bestStep;
      if (!spared && TrainState::read(folderOf(step)).run == state.run)
        ours.push_back(step);
    } catch (const Error &) {
      // Not one that we wrote.
    }
  }
  for (size_t i = 0; i + size_t(retention.newest) < ours.size(); ++i)
    removeFolder(folderOf(ours[i]));
}

void Checkpoints::removeLeftovers() const {
  std::error_code code;
  for (fs::directory_iterator entry(outputDir, code), end; !code && entry != end; entry.increment(code)) {
    std::string name = entry->path().filename().string();
    size_t dot = name.find('.', 1);
    if (!name.starts_with('.') || dot == std::string::npos)
      continue;
    std::string target = name.substr(1, dot - 1);
    std::error_code ignored;
    if (!stepOf(target))
      continue;
    if (name.substr(dot) == removedSuffix)
      fs::remove_all(entry->path(), ignored);
    else // .checkpoint-<step>.partial-…, if it is one
      removePartial(outputDir / target);
  }
}

void Checkpoints::checkForeign() const {
  for (int64_t step : steps())
    checkOurs(folderOf(step));
}

std::string Checkpoints::currentRun() const {
  fs::path path = outputDir / runFile;
  if (!fs::exists(path))
    return "";
  std::string name = readFile(path);
  return name.substr(0, name.find('\n'));
}

std::string Checkpoints::beginRun() const {
  std::random_device device;
  char name[17];
  std::snprintf(name, sizeof name, "%08x%08x", device(), device());
  writeFileAtomically(outputDir / runFile, std::string(name) + "\n");
  return name;
}

} // namespace mlora
