#include "mlora/Runtime/Model/ModelConfig.h"

#include "ModelConfigParts.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/Gguf.h"

#include <cmath>
#include <fstream>

namespace fs = std::filesystem;

namespace mlora {

ModelConfig ModelConfig::read(const fs::path &path) {
  if (fs::is_directory(path)) {
    if (!fs::exists(path / "config.json"))
      badInput(path.string() +
               ": the folder holds no config.json: a Hugging Face checkpoint or a .gguf file is expected");
    return fromJson(readFile(path / "config.json"), (path / "config.json").string());
  }
  if (path.extension() == ".gguf" || beginsLikeGguf(path))
    return fromGguf(GgufFile(path));
  return fromJson(readFile(path), path.string());
}

static void checkSize(const std::string &where, const char *what, int64_t value, int64_t largest) {
  if (value < 1 || value > largest)
    badInput(where + ": " + what + " is " + std::to_string(value) + "; 1 to " + std::to_string(largest) +
             " are possible");
}

static void checkSizes(const ModelConfig &config, const std::string &where) {
  // Token ids are 32-bit; the other limits keep every product within 64 bits.
  constexpr int64_t large = INT32_MAX, layers = 1'000'000;
  checkSize(where, "the vocabulary's size", config.vocabSize, large);
  checkSize(where, "the hidden size", config.hiddenSize, large);
  checkSize(where, "the intermediate size", config.intermediateSize, large);
  checkSize(where, "the number of layers", config.numLayers, layers);
  checkSize(where, "the number of heads", config.numHeads, large);
  checkSize(where, "the number of key-value heads", config.numKeyValueHeads, config.numHeads);
  checkSize(where, "the size of a head", config.headDim, large / config.numHeads);
  checkSize(where, "the largest position", config.maxPositions, large);
  if (config.headDim % 2)
    badInput(where + ": the size of a head is " + std::to_string(config.headDim) +
             "; rotary positions need an even one");
  if (config.numHeads % config.numKeyValueHeads)
    badInput(where + ": " + std::to_string(config.numHeads) + " heads are no multiple of " +
             std::to_string(config.numKeyValueHeads) + " key-value heads");
}

static void checkNumbers(const ModelConfig &config, const std::string &where) {
  auto positive = [](double value) { return std::isfinite(value) && value > 0; };
  if (!positive(config.rmsNormEps))
    badInput(where + ": RMSNorm's epsilon must be positive");
  if (!positive(config.ropeTheta))
    badInput(where + ": the rotary base (theta) must be positive");
  if (config.llama3 &&
      !(positive(config.llama3->factor) && positive(config.llama3->lowFrequencyFactor) &&
        positive(config.llama3->originalContext) && std::isfinite(config.llama3->highFrequencyFactor) &&
        config.llama3->highFrequencyFactor > config.llama3->lowFrequencyFactor))
    badInput(where +
             ": llama3 rotary scaling needs a positive factor and context, and a high frequency factor above "
             "the low one");
}

void completeConfig(ModelConfig &config, std::optional<int64_t> headDim, const std::string &where) {
  config.headDim = headDim.value_or(0);
  if (!headDim && config.numHeads > 0) {
    if (config.hiddenSize % config.numHeads)
      badInput(where + ": the size of a head is not given, and " + std::to_string(config.numHeads) +
               " heads do not divide the hidden size of " + std::to_string(config.hiddenSize));
    config.headDim = config.hiddenSize / config.numHeads;
  }
  checkSizes(config, where);
  checkNumbers(config, where);
}

} // namespace mlora
