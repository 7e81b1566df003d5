// `mlora-run export`: an adapter for other programs, as PEFT or llama.cpp load it.
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/Checkpoint.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// The base that the adapter says it was trained on, where none is given.
std::string baseOf(const Config &config) {
  if (!config.model.empty())
    return config.model;
  std::string base = AdapterSource::open(config.adapter)->baseModel();
  if (base.empty() || !fs::exists(base))
    badInput("export needs the base model's shapes, and the adapter's own base" +
             (base.empty() ? std::string() : " (" + base + ")") +
             " is not there: give model=FOLDER-OR-FILE (a "
             "config.json is enough)");
  return base;
}

/// Whether there are weights to take a fingerprint of.
bool hasWeights(const fs::path &model) {
  return model.extension() == ".gguf" || fs::exists(model / "model.safetensors") ||
         fs::exists(model / "model.safetensors.index.json");
}

} // namespace

int runExport(Arguments &arguments) {
  const Config &config = arguments.config;
  fs::path model = baseOf(config), output = config.outputDir;
  ModelConfig shapes = ModelConfig::read(model);
  auto adapter = AdapterSource::open(config.adapter, shapes);
  if (!adapter->baseFingerprint().empty() && hasWeights(model))
    checkBase(adapter->baseFingerprint(), adapter->baseModel(), Checkpoint::open(model)->fingerprint(),
              adapter->where());
  bool gguf = config.format == "gguf" || (config.format.empty() && output.extension() == ".gguf");
  if (gguf) {
    checkExportFile(output);
    makeFolders(resolvedPath(output).parent_path());
    writeGgufAdapter(output, *adapter, shapes);
  } else {
    checkExportFolder(output);
    AtomicFolder folder(output, ExistingFolder::Replace);
    writePeftAdapter(folder.aside(), *adapter, shapes, exportedMetadata(), config.model);
    folder.commit();
  }
  int64_t rank = adapter->largestRank(), vllm = vllmMaxLoraRank(rank);
  std::vector<std::string> targets = adapter->targets();
  if (config.json) {
    nlohmann::ordered_json json = {{"output_dir", config.outputDir},
                                   {"format", gguf ? "gguf" : "peft"},
                                   {"rank", rank},
                                   {"lora_alpha", rank},
                                   {"targets", targets},
                                   {"vllm_max_lora_rank", vllm}};
    std::printf("%s\n", json.dump(2).c_str());
    return 0;
  }
  std::printf("exported as %s into %s: rank %lld, scale 1\n", gguf ? "a GGUF adapter" : "a PEFT LoRA",
              config.outputDir.c_str(), static_cast<long long>(rank));
  if (!gguf && vllm)
    std::printf("vLLM loads it with --max-lora-rank %lld\n", static_cast<long long>(vllm));
  else if (!gguf)
    std::printf("vLLM loads ranks up to 512: merge the adapter for it\n");
  return 0;
}

} // namespace mlora
