// A folder in Hugging Face's layout: config.json and model.safetensors, or shards with an index.
#include "CheckpointBase.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace fs = std::filesystem;

namespace mlora {
namespace {

constexpr const char *indexName = "model.safetensors.index.json";

struct Place {
  const SafetensorsFile *file;
  const SafetensorsEntry *entry;
};

class CheckpointHf : public CheckpointBase {
public:
  explicit CheckpointHf(const fs::path &folder) : CheckpointBase(folder, ModelConfig::read(folder)) {
    openFiles();
    std::set<std::string> expected;
    for (const ModelTensor &tensor : modelTensors(model)) {
      addTensor(tensor);
      expected.insert(tensor.name);
    }
    refuseUnexpected(expected);
    indexNames();
  }

  std::vector<StoredFile> storedFiles() const override {
    std::vector<StoredFile> result;
    for (const auto &file : files) {
      StoredFile &stored = result.emplace_back();
      stored.path = file->path();
      stored.metadata = file->metadata();
      for (const SafetensorsEntry &entry : file->tensors())
        stored.tensors.push_back({{entry.name, entry.shape, entry.dtype},
                                  entry.name,
                                  file->path(),
                                  file->offset(entry),
                                  entry.end - entry.begin,
                                  false});
    }
    return result;
  }

protected:
  std::span<const uint8_t> storedBytes(size_t index) const override {
    return places[index].file->bytes(*places[index].entry);
  }

  void decodeRows(size_t index, int64_t firstRow, int64_t rows, float *out) const override {
    const Place &place = places[index];
    int64_t columns = infos[index].shape.size() == 2 ? infos[index].shape[1] : 1;
    place.file->readFloats(*place.entry, firstRow * columns, {out, static_cast<size_t>(rows * columns)});
    place.file->release(*place.entry, firstRow * columns, rows * columns);
  }

  bool copyBlocks(size_t index, int64_t firstRow, int64_t rows, std::span<uint8_t> out) const override {
    std::span<const uint8_t> stored = storedBytes(index);
    int64_t columns = infos[index].shape[1], rowBytes = int64_t(stored.size()) / infos[index].shape[0];
    if (int64_t(out.size()) != rows * rowBytes)
      return false;
    std::copy_n(stored.begin() + firstRow * rowBytes, rows * rowBytes, out.begin());
    places[index].file->release(*places[index].entry, firstRow * columns, rows * columns);
    return true;
  }

  void releaseAll(size_t index) const override {
    places[index].file->release(*places[index].entry, 0, places[index].entry->elements());
  }

private:
  void openFiles() {
    fs::path single = location / "model.safetensors", index = location / indexName;
    if (fs::exists(single))
      addFile(single);
    else if (fs::exists(index))
      addShards(index);
    else
      badInput(
          location.string() + ": holds neither model.safetensors nor " + indexName +
          (fs::exists(location / "pytorch_model.bin") || fs::exists(location / "pytorch_model.bin.index.json")
               ? "; pickled weights (pytorch_model.bin) are not read: convert them to safetensors"
               : ""));
  }

  const SafetensorsFile &addFile(const fs::path &path) {
    files.push_back(std::make_unique<SafetensorsFile>(path));
    for (const SafetensorsEntry &entry : files.back()->tensors())
      if (auto [slot, fresh] = found.try_emplace(entry.name, Place{files.back().get(), &entry}); !fresh)
        badInput(path.string() + ": tensor '" + entry.name + "' is also in " +
                 slot->second.file->path().string());
    return *files.back();
  }

  void addShards(const fs::path &index) {
    nlohmann::json root = readJsonFile(index);
    JsonFields map = JsonFields(root, index.string()).object("weight_map");
    std::set<std::string> names;
    for (const auto &[tensor, value] : map.raw().items()) {
      std::string name = map.string(tensor.c_str());
      // The index is untrusted: it must not lead out of the folder.
      if (!name.ends_with(".safetensors") || name.find_first_of(std::string_view("/\\\0", 3)) != name.npos ||
          name.find("..") != name.npos)
        map.refuse(tensor.c_str(), "'" + name + "' is no name of a safetensors file in this folder");
      names.insert(name);
    }
    for (const std::string &name : names)
      addFile(location / name);
    for (const auto &[tensor, value] : map.raw().items()) {
      fs::path file = location / value.get<std::string>();
      if (auto place = found.find(tensor); place == found.end() || place->second.file->path() != file)
        badInput(file.string() + ": tensor '" + tensor + "' is missing, which " + index.string() +
                 " says is there");
    }
  }

  void addTensor(const ModelTensor &tensor) {
    auto place = found.find(tensor.name);
    if (place == found.end())
      missing(files.size() == 1 ? files[0]->path().string() : location.string(), tensor.name);
    const SafetensorsEntry &entry = *place->second.entry;
    std::string file = place->second.file->path().string();
    checkShape(file, tensor.name, entry.shape, tensor.shape);
    if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16" && entry.dtype != "F64")
      badInput(file + ": tensor '" + tensor.name + "' has dtype " + entry.dtype +
               "; F32, BF16, F16 or F64 is expected");
    infos.push_back({tensor.name, entry.shape, entry.dtype});
    places.push_back(place->second);
  }

  void refuseUnexpected(const std::set<std::string> &expected) const {
    for (const auto &[name, place] : found) {
      bool ignored = expected.count(name) || name.ends_with("rotary_emb.inv_freq");
      if (!ignored && model.tiedHead && name == "lm_head.weight") {
        checkTied(place);
        ignored = true;
      }
      if (!ignored)
        badInput(place.file->path().string() + ": tensor '" + name + "' is unexpected: the configuration (" +
                 std::to_string(model.numLayers) + " layers) implies no such tensor");
    }
  }

  // A head that is said to be tied and yet stored must be the embedding: otherwise one of the two is wrong.
  void checkTied(const Place &head) const {
    const Place &embedding = found.at("model.embed_tokens.weight");
    std::span<const uint8_t> a = head.file->bytes(*head.entry), b = embedding.file->bytes(*embedding.entry);
    constexpr size_t piece = 4 << 20;
    bool same = head.entry->dtype == embedding.entry->dtype && head.entry->shape == embedding.entry->shape;
    for (size_t offset = 0; same && offset < a.size(); offset += piece)
      same = std::memcmp(a.data() + offset, b.data() + offset, std::min(piece, a.size() - offset)) == 0;
    for (const Place &place : {head, embedding})
      place.file->release(*place.entry, 0, place.entry->elements());
    if (!same)
      badInput(head.file->path().string() +
               ": tensor 'lm_head.weight' differs from 'model.embed_tokens.weight', but " +
               (location / "config.json").string() + " says that they are tied (tie_word_embeddings)");
  }

  std::vector<std::unique_ptr<SafetensorsFile>> files;
  std::map<std::string, Place> found;
  std::vector<Place> places; ///< of infos
};

} // namespace

std::unique_ptr<Checkpoint> openHuggingFace(const fs::path &folder) {
  return std::make_unique<CheckpointHf>(folder);
}

} // namespace mlora
