// Random checkpoints, and adapters for them, of any configuration: for tests and benchmarks (bench/merge).
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Model/ModelTensors.h"
#include "mlora/Runtime/Model/SyntheticCheckpoint.h"

#include <charconv>
#include <iostream>
#include <map>

namespace fs = std::filesystem;
using namespace mlora;

namespace {

constexpr const char *usage =
    R"(usage: mlora-synthetic-checkpoint CONFIG OUT [shards=1] [dtype=bf16|f16|f32] [seed=1]
       mlora-synthetic-checkpoint CONFIG OUT adapter=multilora|lora [num_branches=3] [lora_r=32]
                                             [deviation=1e-3] [seed=1]
CONFIG is a config.json. The first writes a Hugging Face folder with random weights; the second an adapter on all
seven projections, whose update has about this deviation.
)";

int64_t number(std::map<std::string, std::string> &keys, const std::string &key, int64_t otherwise) {
  auto found = keys.extract(key);
  if (found.empty())
    return otherwise;
  int64_t value = 0;
  const std::string &text = found.mapped();
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || value < 0)
    badInput(key + ": a whole number is expected, got '" + text + "'");
  return value;
}

std::string word(std::map<std::string, std::string> &keys, const std::string &key,
                 const std::string &otherwise) {
  auto found = keys.extract(key);
  return found.empty() ? otherwise : found.mapped();
}

void run(const std::vector<std::string> &words) {
  std::map<std::string, std::string> keys;
  for (size_t i = 2; i < words.size(); ++i) {
    size_t equals = words[i].find('=');
    if (equals == std::string::npos)
      badInput("'" + words[i] + "': key=value is expected");
    keys[words[i].substr(0, equals)] = words[i].substr(equals + 1);
  }
  std::string text = readFile(words[0]);
  fs::path out = words[1];
  auto seed = uint64_t(number(keys, "seed", 1));
  std::string method = word(keys, "adapter", "");
  if (method.empty()) {
    std::string dtype = word(keys, "dtype", "bf16");
    SyntheticOptions options;
    options.shards = number(keys, "shards", 1);
    options.dtype = dtype == "bf16" ? "BF16" : dtype == "f16" ? "F16" : dtype == "f32" ? "F32" : dtype;
    options.seed = seed;
    if (!keys.empty())
      badInput("unknown key '" + keys.begin()->first + "'");
    return writeSyntheticCheckpoint(text, out, options);
  }
  ModelConfig config = ModelConfig::fromJson(text, words[0]);
  AdapterShape shape;
  shape.method = method;
  shape.numBranches = method == "lora" ? 1 : number(keys, "num_branches", 3);
  shape.rank = number(keys, "lora_r", 32);
  shape.alpha = double(shape.rank);
  for (std::string_view projection : projections)
    shape.targets.emplace_back(projection);
  double deviation = std::stod(word(keys, "deviation", "1e-3"));
  if (!keys.empty())
    badInput("unknown key '" + keys.begin()->first + "'");
  AtomicFolder folder(out);
  writeSyntheticAdapter(folder.aside(), config, shape, deviation, seed);
  folder.commit();
}

} // namespace

int main(int argc, char **argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2 || words[0].starts_with("-")) {
    std::cerr << usage;
    return int(Status::BadInput);
  }
  try {
    run(words);
    return 0;
  } catch (const Error &error) {
    std::cerr << "mlora-synthetic-checkpoint: " << error.what() << "\n";
    return int(error.status);
  } catch (const std::exception &error) {
    std::cerr << "mlora-synthetic-checkpoint: " << error.what() << "\n";
    return int(Status::Failed);
  }
}
