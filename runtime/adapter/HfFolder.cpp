#include "mlora/Runtime/Adapter/HfFolder.h"

#include "mlora/Runtime/Adapter/Merge.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// Files of a Hugging Face folder that a fine-tuned model shares with its base.
constexpr const char *companions[] = {"tokenizer.json",
                                      "tokenizer_config.json",
                                      "special_tokens_map.json",
                                      "tokenizer.model",
                                      "added_tokens.json",
                                      "vocab.json",
                                      "merges.txt",
                                      "chat_template.jinja",
                                      "chat_template.json",
                                      "generation_config.json"};

/// The base's own config.json where it has one: keys that we do not know stay.
std::string configText(const Checkpoint &base, const std::string &dtype) {
  fs::path own = base.path() / "config.json";
  if (!fs::is_directory(base.path()))
    return configJson(base.config(), dtype).dump(2) + "\n";
  nlohmann::json config = readJsonFile(own);
  if (!dtype.empty())
    config[config.contains("dtype") ? "dtype" : "torch_dtype"] = dtype;
  return config.dump(2) + "\n";
}

bool isWithin(const fs::path &path, const fs::path &folder) {
  auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

constexpr const char *writtenBy = "written_by", *merger = "mlora-run merge";

/// A file that says of itself that merge wrote it. Others that save into the folder leave no such word.
bool isMergedFile(const fs::path &weights) {
  try {
    SafetensorsFile file(weights);
    auto found = file.metadata().find(writtenBy);
    return found != file.metadata().end() && found->second == merger;
  } catch (const Error &) {
    return false;
  }
}

bool isWeights(const fs::path &file) { return file.extension() == ".safetensors"; }

/// All weights are a merge's, and there are some.
bool isMerged(const fs::path &folder) {
  bool any = false;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    if (!isWeights(entry.path()))
      continue;
    if (!entry.is_regular_file() || !isMergedFile(entry.path()))
      return false;
    any = true;
  }
  return any;
}

bool isMergedGguf(const fs::path &path) {
  try {
    return GgufFile(path).string("mlora.written_by") == merger;
  } catch (const Error &) {
    return false;
  }
}

/// Nothing is put into a checkpoint's folder either.
void checkOutside(const fs::path &output, const fs::path &target, const fs::path &source) {
  if (isWithin(target, source))
    badInput(output.string() + ": lies in the folder of the checkpoint " + source.string() +
             ", which a merge only reads: choose a place outside of it");
}

/// The name really written, and that of the base.
std::pair<fs::path, fs::path> resolvedPair(const fs::path &output, const fs::path &base) {
  return {resolvedPath(output), fs::weakly_canonical(fs::absolute(base))};
}

} // namespace

void writeModelFiles(const fs::path &folder, const Checkpoint &base, const std::string &dtype,
                     const std::vector<std::pair<std::string, std::string>> &files) {
  std::map<std::string, std::string> contents = {{"config.json", configText(base, dtype)}};
  if (fs::is_directory(base.path()))
    for (const char *name : companions)
      if (fs::exists(base.path() / name))
        contents[name] = readFile(base.path() / name);
  for (const auto &[name, bytes] : files)
    contents[name] = bytes;
  for (const auto &[name, bytes] : contents)
    writeFileAtomically(folder / name, bytes);
}

std::set<std::string> modelFileNames() {
  std::set<std::string> names(std::begin(companions), std::end(companions));
  names.insert({"config.json", "model.safetensors", safetensorsIndex});
  return names;
}

std::map<std::string, std::string> mergedMetadata() { return {{"format", "pt"}, {writtenBy, merger}}; }

void checkModelOutput(const fs::path &output, const fs::path &base) {
  auto [target, source] = resolvedPair(output, base);
  if (isWithin(source, target))
    badInput(output.string() + ": the checkpoint " + base.string() +
             " is or lies in this folder and would be overwritten: choose another one");
  checkOutside(output, target, source);
  if (!fs::exists(target))
    return;
  if (!fs::is_directory(target))
    badInput(output.string() + ": is a file where a folder is to be written");
  checkNoMountPoint(target);
  std::set<std::string> ours = modelFileNames();
  for (const fs::directory_entry &entry : fs::directory_iterator(target))
    if (!ours.count(entry.path().filename().string()) && !isWeights(entry.path()))
      badInput(output.string() + ": holds " + entry.path().filename().string() +
               ", which is no part of a checkpoint: choose an empty or new folder");
  if (!fs::is_empty(target) && !isMerged(target))
    badInput(output.string() +
             ": holds files that no merge of mlora wrote and that would be replaced: choose "
             "an empty or new folder, or remove them");
}

void checkGgufOutput(const fs::path &output, const fs::path &base) {
  auto [target, source] = resolvedPair(output, base);
  if (target == source)
    badInput(output.string() +
             ": is the base checkpoint itself and would be overwritten: choose another name");
  checkOutside(output, target, source);
  if (fs::is_directory(target))
    badInput(output.string() + ": is a folder where a GGUF file is to be written");
  if (fs::exists(target) && !isMergedGguf(target))
    badInput(output.string() +
             ": exists and was not written by a merge of mlora: choose another name, or remove it");
}

} // namespace mlora
