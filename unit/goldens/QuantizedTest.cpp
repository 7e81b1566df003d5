// Weights that stay as their file stores them: the logits and texts of the same program in f32.

#include "TrainingProgram.h"

#include "../Expect.h"
#include "../TempFolder.h"
#include "../model/GgufBuilder.h"
#include "../model/RandomBlocks.h"
#include "mlora/Runtime/Inference/TextGenerator.h"
#include "mlora/Runtime/Inference/Sampler.h"
#include "mlora/Runtime/Model/FloatFormats.h"
#include "mlora/Runtime/Model/GgufTypes.h"
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

/// Four layers of random blocks as Q4_K_M files have them: some kinds are of another type in every other layer.
class MixedGguf {
public:
  static constexpr uint64_t hidden = 256, inner = 512, keys = 128, vocabulary = 96, layers = 4;

  MixedGguf() {
    builder.string("general.architecture", "llama")
        .integer("llama.context_length", 64)
        .integer("llama.embedding_length", hidden)
        .integer("llama.block_count", layers)
        .integer("llama.feed_forward_length", inner)
        .integer("llama.attention.head_count", 4)
        .integer("llama.attention.head_count_kv", 2)
        .real("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    matrix("token_embd", vocabulary, hidden, "Q6_K");
    ones("output_norm");
    for (uint64_t layer = 0; layer < layers; ++layer) {
      std::string block = "blk." + std::to_string(layer) + ".";
      ones(block + "attn_norm");
      ones(block + "ffn_norm");
      matrix(block + "attn_q", hidden, hidden, "Q4_K");
      matrix(block + "attn_k", keys, hidden, "Q8_0");
      matrix(block + "attn_v", keys, hidden, layer == 0 ? "Q6_K" : layer == 1 ? "Q5_0" : "Q4_K");
      matrix(block + "attn_output", hidden, hidden, layer < 2 ? "F16" : "F32");
      matrix(block + "ffn_gate", inner, hidden, "Q4_K");
      matrix(block + "ffn_up", inner, hidden, "Q4_K");
      matrix(block + "ffn_down", hidden, inner, layer % 2 ? "Q4_K" : "Q6_K");
    }
    folder.file("mixed.gguf", builder.bytes());
  }
  fs::path path() const { return folder.path() / "mixed.gguf"; }

private:
  void ones(const std::string &name) {
    builder.floats(name + ".weight", {hidden}, std::vector<float>(hidden, 1.0f));
  }

  /// Values of about 1/16, so that what rows sum up to stays of size 1.
  void matrix(const std::string &name, uint64_t rows, uint64_t columns, const std::string &type) {
    ++seed;
    if (type == "F32") {
      std::vector<float> values(rows * columns);
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = float(int64_t(i * 7919 + seed * 104729) % 2001 - 1000) / 8000;
      builder.floats(name + ".weight", {rows, columns}, values);
      return;
    }
    const BlockFormat &format = *findBlockFormat(type);
    uint32_t id = 0;
    while (!findGgufType(id) || findGgufType(id)->name != type)
      ++id;
    int scale = type == "F16" ? 11 : type == "Q5_0" ? 8 : type == "Q8_0" ? 5 : type == "Q4_K" ? 2 : 0;
    std::vector<uint8_t> bytes =
        randomBlocks(format, int64_t(rows * columns) / format.values, seed, scale);
    builder.tensor(name + ".weight", {rows, columns}, id, {bytes.begin(), bytes.end()});
  }

  TempFolder folder;
  GgufBuilder builder;
  uint32_t seed = 1;
};

/// The tokens that a program finds likeliest behind a prompt, one step each.
std::vector<int32_t> likeliest(Program &program, std::vector<int32_t> ids, size_t count) {
  Sampler greedy({});
  Inference inference(program);
  Piece prompt{.tokens = ids, .read = {int32_t(ids.size()) - 1}};
  std::span<const float> logits = inference.step(std::span(&prompt, 1));
  std::vector<int32_t> found;
  while (found.size() < count) {
    found.push_back(greedy.next(logits, {}));
    auto place = int32_t(ids.size() + found.size() - 1);
    Piece next{.tokens = {&found.back(), 1}, .position = place, .at = place, .read = {0}};
    logits = inference.step(std::span(&next, 1));
  }
  return found;
}

TEST(Quantized, LayersMayDifferInType) {
  MixedGguf model;
  ProgramRequest request;
  auto others = request.keepQuantized(*Checkpoint::open(model.path()));
  EXPECT_EQ(others, (std::map<std::string, std::string>{{"self_attn.o_proj", "F16 or F32"}}));
  EXPECT_EQ(request.quantized["mlp.down_proj"], "Q4_K|Q6_K");
  EXPECT_EQ(request.quantized["self_attn.v_proj"], "Q4_K|Q5_0|Q6_K");
  EXPECT_EQ(request.quantized["self_attn.q_proj"], "Q4_K");
  EXPECT_EQ(request.quantized["model.embed_tokens"], "Q6_K");

  Scalars capacity{.rows = 32, .countedRows = 1, .kvRows = 64};
  auto dense = programOf(model.path(), Weights::F32, capacity),
       blocks = programOf(model.path(), Weights::AsStored, capacity);
  // Of a kind whose layers differ each layer has memory for the widest type, and a row that says which it is.
  constexpr int64_t h = MixedGguf::hidden, inner = MixedGguf::inner, keys = MixedGguf::keys;
  constexpr auto slot = [](int64_t bytes) { return (bytes + 63) / 64 * 64; };
  constexpr int64_t q4 = 144, q6 = 210, perLayer = slot(h * q4) + slot(keys * h / 32 * 34) + slot((keys + 1) * q6) +
                                                   4 * h * h + 2 * slot(inner * q4) + slot((h + 1) * 2 * q6) + 2 * 4 * h;
  EXPECT_EQ(weightBytes(*blocks),
            int64_t(MixedGguf::layers) * perLayer + slot(int64_t(MixedGguf::vocabulary) * q6) + 4 * h);

  for (size_t length : {1, 3, 6, 20}) { // as blocks are read, and by stripes
    std::vector<int32_t> ids;
    for (size_t i = 0; i < length; ++i)
      ids.push_back(int32_t(i * 7 % MixedGguf::vocabulary));
    std::vector<float> want = logitsOf(*dense, ids), got = logitsOf(*blocks, ids);
    EXPECT_GT(*std::ranges::max_element(want), *std::ranges::min_element(want) + 1);
    for (size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(got[i], want[i], 1e-4 * std::abs(want[i]) + 1e-4) << length << " rows, token " << i;
    EXPECT_EQ(likeliest(*blocks, ids, 16), likeliest(*dense, ids, 16));
  }
}

} // namespace
