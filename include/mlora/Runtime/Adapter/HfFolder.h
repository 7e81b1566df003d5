// Writing a Hugging Face folder next to a base: configuration and the files that go along.
#pragma once

#include "mlora/Runtime/Model/Checkpoint.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mlora {

inline constexpr const char *safetensorsIndex = "model.safetensors.index.json";

/// In the `__metadata__` of weights that training saved: what they were trained from.
inline constexpr const char *baseFingerprintKey = "base_fingerprint",
                            *baseModelKey = "base_model_name_or_path";

/// Writes into `folder` the config.json of a model like `base` stored as `dtype` ("float32", "float16",
/// "bfloat16"; empty: as the base's own says),
/// the base's tokenizer and generation files where the base is a folder, and `files` (name, bytes) in place
/// of any of these. For merge and for checkpoints of method=ft.
void writeModelFiles(const std::filesystem::path &folder, const Checkpoint &base, const std::string &dtype,
                     const std::vector<std::pair<std::string, std::string>> &files);

/// Names of the files of a model as writeModelFiles, merge and method=ft write them.
std::set<std::string> modelFileNames();

/// The metadata of a merged file of weights: what tells it from another program's.
std::map<std::string, std::string> mergedMetadata();

/// Throws Error(BadInput) unless `output` may be written: it must not be the base, hold it or lie in it, and
/// must be absent, empty, or a model that a merge wrote (mergedMetadata) with no other files beside.
void checkModelOutput(const std::filesystem::path &output, const std::filesystem::path &base);

/// The same for a .gguf file: it must be absent, or one that a merge wrote, and outside of the base's folder.
void checkGgufOutput(const std::filesystem::path &output, const std::filesystem::path &base);

} // namespace mlora
