// Weights that stay as their file stores them: the logits and texts of the same program in f32.

#include "TrainingProgram.h"

#include "../Expect.h"
#include "../TempFolder.h"
#include "mlora/Runtime/Inference/TextGenerator.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/Safetensors.h"
#include "mlora/Runtime/Program/Inference.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <cstdlib>
#include <list>

using namespace mlora;
using namespace mlora::test;
namespace fs = std::filesystem;

namespace {

enum class Weights { F32, AsStored };

std::unique_ptr<Program> programOf(const fs::path &model, Weights weights, const Scalars &capacity) {
  ProgramRequest request;
  request.kind = "generate";
  request.model = model;
  request.method = "none";
  std::unique_ptr<Checkpoint> base = Checkpoint::open(model);
  if (weights == Weights::AsStored)
    request.keepQuantized(*base);
  auto program = std::make_unique<Program>(bundleFor(request), capacity);
  loadWeights(*program, *base);
  return program;
}

std::vector<float> logitsOf(Program &program, const std::vector<int32_t> &ids) {
  Piece piece{.tokens = ids, .read = {int32_t(ids.size()) - 1}};
  std::span<const float> logits = Inference(program).step(std::span(&piece, 1));
  return {logits.begin(), logits.end()};
}

fs::path smolLm2() {
  const char *path = std::getenv("MLORA_SMOLLM2");
  return path && *path ? fs::path(path)
                       : fs::path(MLORA_SOURCE) / "build/models/SmolLM2-135M-Instruct.Q4_1.gguf";
}

TEST(Quantized, LogitsAndTextOfSmolLm2) {
  fs::path model = smolLm2(), folder = fs::path(MLORA_SHARED) / "data/goldens/smollm2";
  if (!fs::exists(model))
    GTEST_SKIP() << "no " << model << " (scripts/test fetches it)";
  if (!fs::exists(folder))
    GTEST_SKIP() << "no ../shared/data/goldens";
  Scalars capacity{.rows = 512, .countedRows = 1, .kvRows = 512};
  auto dense = programOf(model, Weights::F32, capacity),
       blocks = programOf(model, Weights::AsStored, capacity);
  EXPECT_LT(weightBytes(*blocks), weightBytes(*dense) / 5);
  auto tokenizer = Tokenizer::open(model);
  for (const auto &prompt : readJson(folder / "prompts.json")) {
    std::vector<int32_t> ids = prompt["ids"], wanted = prompt["continuation_ids"];
    std::vector<float> want = logitsOf(*dense, ids), got = logitsOf(*blocks, ids);
    for (size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(got[i], want[i], 1e-4 * std::abs(want[i]) + 1e-4) << prompt["name"] << " token " << i;
    GenerationOptions options;
    options.maxNewTokens = int64_t(wanted.size());
    EXPECT_EQ(TextGenerator(*blocks, *tokenizer).run({ids}, options).front().ids, wanted) << prompt["name"];
  }
}

/// The tiny model with every matrix rounded to bf16, in a folder of its own.
class Bf16Model {
public:
  Bf16Model() {
    fs::path from = fs::path(MLORA_SOURCE) / "unit/goldens/tiny/model";
    fs::copy_file(from / "config.json", folder.path() / "config.json");
    SafetensorsFile file(from / "model.safetensors");
    for (const SafetensorsEntry &entry : file.tensors()) {
      std::vector<float> values = file.floats(entry.name);
      std::vector<uint16_t> &bits = stored.emplace_back(values.size());
      floatsToBfloats(values.data(), int64_t(values.size()), bits.data());
      tensors.push_back({{entry.name, "BF16", entry.shape}, bits.data()});
    }
    writeSafetensors(folder.path() / "model.safetensors", tensors);
  }
  fs::path path() const { return folder.path(); }

private:
  TempFolder folder;
  std::list<std::vector<uint16_t>> stored;
  std::vector<SafetensorsValue> tensors;
};

TEST(Quantized, AFolderOfBf16StaysBf16) {
  Bf16Model model;
  Scalars capacity{.rows = 32, .countedRows = 1, .kvRows = 64};
  auto dense = programOf(model.path(), Weights::F32, capacity),
       blocks = programOf(model.path(), Weights::AsStored, capacity);
  EXPECT_LT(weightBytes(*blocks), weightBytes(*dense) * 3 / 4);
  for (size_t length : {1, 3, 6, 20}) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < length; ++i)
      ids.push_back(int32_t(i * 7 % size_t(dense->manifest().model.at("vocab_size").get<int64_t>())));
    std::vector<float> want = logitsOf(*dense, ids), got = logitsOf(*blocks, ids);
    for (size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(got[i], want[i], 2e-5) << length << " rows, token " << i;
  }
}

} // namespace
