#include "CacheKey.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Model/ModelConfig.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sys/stat.h>

namespace mlora {
namespace {

/// A GGUF file is gigabytes; of it, only what the compiler reads counts. nlohmann sorts keys: canonical.
std::string canonical(const ModelConfig &config) {
  nlohmann::json json = {{"vocab", config.vocabSize},
                         {"hidden", config.hiddenSize},
                         {"intermediate", config.intermediateSize},
                         {"layers", config.numLayers},
                         {"heads", config.numHeads},
                         {"kv_heads", config.numKeyValueHeads},
                         {"head_dim", config.headDim},
                         {"positions", config.maxPositions},
                         {"eps", config.rmsNormEps},
                         {"theta", config.ropeTheta},
                         {"divisors", config.ropeDivisors},
                         {"tied", config.tiedHead}};
  if (config.llama3)
    json["llama3"] = {config.llama3->factor, config.llama3->lowFrequencyFactor,
                      config.llama3->highFrequencyFactor, config.llama3->originalContext};
  return json.dump();
}

/// Size and time of change: a compiler that was built anew is another one, and 100 MB need not be read.
std::string identity(const std::filesystem::path &compiler) {
  struct stat status {};
  if (stat(compiler.c_str(), &status) != 0)
    failed("the compiler " + compiler.string() + " is not there (" + std::strerror(errno) +
           "): build it (scripts/build) or name it in MLORA_OPT");
  return std::to_string(status.st_size) + "/" + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

/// The first processor's name and features; code is generated for exactly them.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, result;
  while (std::getline(file, line) && !line.empty())
    for (const char *key : {"model name", "cpu family", "model\t", "flags", "Features", "CPU part"})
      if (line.starts_with(key))
        result += line + "\n";
  return result;
}

} // namespace

std::string canonicalConfiguration(const std::filesystem::path &model) {
  return canonical(ModelConfig::read(model));
}

std::string cacheKey(const ProgramRequest &request, const std::filesystem::path &compiler) {
  nlohmann::json json = request.toJson();
  json.erase("model"); // its content counts, wherever it lies
  Hasher hasher;
  auto add = [&hasher](const std::string &part) { hasher.update(uint64_t(part.size())).update(part); };
  add(json.dump());
  std::filesystem::path model = request.modelFile();
  add(model.extension() == ".gguf" ? canonical(ModelConfig::read(model)) : readFile(model));
  add(identity(compiler));
  add(processor());
  return hasher.hex();
}

} // namespace mlora
