// A LoRA as llama.cpp loads it, and what an export may replace.
#include "AdapterReaders.h"
#include "RotaryRows.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/Gguf.h"
#include "mlora/Runtime/Model/GgufWriter.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/Safetensors.h"

namespace fs = std::filesystem;

namespace mlora {
namespace {

constexpr const char *writtenBy = "written_by", *ggufWrittenBy = "mlora.written_by",
                     *exporter = "mlora-run export";
constexpr uint32_t typeF32 = 0;

void writePadded(AtomicFile &file, const std::vector<float> &values) {
  file.write(values.data(), 4 * values.size());
  static constexpr char zeros[GgufHead::alignment] = {};
  file.write(zeros, (GgufHead::alignment - 4 * values.size() % GgufHead::alignment) % GgufHead::alignment);
}

} // namespace

void writeGgufAdapter(const fs::path &path, const AdapterSource &adapter, const ModelConfig &config) {
  int64_t rank = adapter.largestRank();
  GgufHead head;
  head.add("general.architecture", std::string("llama"));
  head.add("general.type", std::string("adapter"));
  head.add("general.name", fs::path(adapter.where()).filename().string());
  head.add("adapter.type", std::string("lora"));
  head.add("adapter.lora.alpha", static_cast<float>(rank));
  head.add(ggufWrittenBy, std::string(exporter));
  std::vector<std::string> targets = adapter.targets();
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (const std::string &target : targets) {
      auto [out, in] = projectionShape(config, target);
      std::string name = ggufName(projectionPath(layer, target) + ".weight");
      head.addTensor(name + ".lora_a", {rank, in}, typeF32, uint64_t(4 * rank * in));
      head.addTensor(name + ".lora_b", {out, rank}, typeF32, uint64_t(4 * rank * out));
    }
  AtomicFile file(path);
  file.write(head.bytes());
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (const std::string &target : targets) {
      LowRank update = paddedFactors(adapter, layer, target, rank, config);
      if (target == "q_proj" || target == "k_proj")
        update.b = rowsAsNeighbours(update.b, rank, config.headDim);
      writePadded(file, update.a);
      writePadded(file, update.b);
    }
  file.commit();
}

std::map<std::string, std::string> exportedMetadata() { return {{"format", "pt"}, {writtenBy, exporter}}; }

void checkExportFolder(const fs::path &folder) {
  if (!fs::exists(folder))
    return;
  if (!fs::is_directory(folder))
    badInput(folder.string() + ": is a file where a folder is to be written");
  bool ours = true;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    ours &= name == peftConfig || name == peftTensors;
  }
  if (ours && fs::exists(folder / peftTensors)) {
    try {
      ours = SafetensorsFile(folder / peftTensors).metadata() == exportedMetadata();
    } catch (const Error &) {
      ours = false;
    }
  } else if (ours) {
    ours = fs::is_empty(folder);
  }
  if (!ours)
    badInput(folder.string() +
             ": holds files that no export of mlora wrote and that would be replaced: choose an "
             "empty or new folder, or remove them");
}

void checkExportFile(const fs::path &path) {
  if (!fs::exists(path))
    return;
  if (fs::is_directory(path))
    badInput(path.string() + ": is a folder where a GGUF file is to be written");
  bool ours = false;
  try {
    ours = GgufFile(path).string(ggufWrittenBy) == exporter;
  } catch (const Error &) {
  }
  if (!ours)
    badInput(path.string() +
             ": exists and was not written by an export of mlora: choose another name, or remove it");
}

} // namespace mlora
