#include "ProductChoices.h"

#include "OwnFile.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"

#include <utility>

namespace fs = std::filesystem;

namespace mlora {

/// What a choice means, in the file's name so that older ones are not taken. 2: parts of sums are added in
/// f32, and a choice is for a range of rows.
static constexpr int format = 2;

ProductChoices::ProductChoices(fs::path path, std::string name, size_t libraryVersion)
    : file(std::move(path)), gpu(std::move(name)), version(libraryVersion), choices(read()) {}

fs::path ProductChoices::fileFor(const fs::path &cache, const std::string &gpu, size_t version) {
  std::string key = gpu + " " + std::to_string(version);
  return cache / ("products-" + std::to_string(format) + "-" + hashHex(key.data(), key.size()) + ".json");
}

ProductChoices &ProductChoices::shared(const fs::path &file, const std::string &gpu, size_t version) {
  static std::map<fs::path, ProductChoices> all;
  return all.try_emplace(file, file, gpu, version).first->second;
}

std::map<std::string, cuda::Algorithm> ProductChoices::read() const {
  std::map<std::string, cuda::Algorithm> found;
  std::error_code error;
  if (file.empty() || !fs::exists(file, error))
    return found;
  try {
    nlohmann::json json = parseJson(readOwnFile(file), file.string());
    if (json.at("gpu") != gpu || json.at("cublaslt") != version ||
        json.at("xxh3") !=
            hashHex(json.at("choices").dump())) // the library is given no words that are not its own
      return found;
    for (const auto &[shape, words] : json.at("choices").items()) {
      cuda::Algorithm algorithm;
      for (size_t i = 0; i < std::size(algorithm.data); ++i)
        algorithm.data[i] = words.at(i).get<uint64_t>();
      found[shape] = algorithm;
    }
  } catch (const std::exception &) {
    found.clear();
  }
  return found;
}

std::optional<cuda::Algorithm> ProductChoices::find(const std::string &shape) const {
  auto found = choices.find(shape);
  return found == choices.end() ? std::nullopt : std::optional(found->second);
}

void ProductChoices::keep(const std::string &shape, const cuda::Algorithm &algorithm) {
  choices[shape] = algorithm;
  isSaved = false;
}

void ProductChoices::save() {
  if (std::exchange(isSaved, true) || file.empty())
    return;
  choices.merge(read());
  nlohmann::json words = nlohmann::json::object();
  for (const auto &[name, choice] : choices)
    words[name] = choice.data;
  nlohmann::json json{
      {"gpu", gpu}, {"cublaslt", version}, {"xxh3", hashHex(words.dump())}, {"choices", words}};
  try {
    makeFolders(file.parent_path());
    writeFileAtomically(file, json.dump(1));
  } catch (const Error &) {
    file.clear(); // a folder that cannot be written: measured again by the next run
  }
}

} // namespace mlora
