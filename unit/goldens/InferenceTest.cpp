// Many sequences in one step, shared prefixes and texts side by side: the same as each alone.

#include "TrainingProgram.h"

#include "../Expect.h"
#include "mlora/Runtime/Inference/Scorer.h"
#include "mlora/Runtime/Inference/TextGenerator.h"
#include "mlora/Runtime/Core/Shuffle.h"

using namespace mlora;
using namespace mlora::test;
namespace fs = std::filesystem;

namespace {

const fs::path goldens = fs::path(MLORA_SOURCE) / "unit/goldens";
constexpr int64_t vocabulary = 64; ///< of both models

/// What computes.
struct Setup {
  std::string name, device, dtype;
  double tolerance; ///< of logits and log-probabilities
};
const Setup onCpu = {"cpu", "cpu", "f32", 2e-5};

/// The tiny model of this folder, without an adapter; in bf16 one with heads of 64 and random weights, whose
/// attention is on tensor cores.
std::unique_ptr<Program> programOf(const Setup &setup, const Scalars &capacity) {
  bool isBF16 = setup.dtype == "bf16";
  ProgramRequest request;
  request.kind = "generate";
  request.model = goldens / (isBF16 ? "wgmma/heads-64" : "tiny/model");
  request.method = "none";
  request.dtype = setup.dtype;
  request.setDevice(setup.device, "auto");
  auto program = std::make_unique<Program>(bundleFor(request), capacity);
  loadWeights(*program, isBF16 ? *Checkpoint::random(request.model) : *Checkpoint::open(request.model));
  return program;
}

std::vector<int32_t> tokensOf(uint64_t seed, size_t count) {
  SplitMix64 random(seed);
  std::vector<int32_t> ids;
  while (ids.size() < count)
    ids.push_back(int32_t(random.below(uint64_t(vocabulary))));
  return ids;
}

std::vector<float> logitsAlone(Program &program, const std::vector<int32_t> &ids) {
  Piece piece{.tokens = ids, .read = {int32_t(ids.size()) - 1}};
  std::span<const float> logits = Inference(program).step(std::span(&piece, 1));
  return {logits.begin(), logits.end()};
}

class Steps : public testing::TestWithParam<Setup> {
protected:
  void expectNear(std::span<const float> got, const std::vector<float> &want, const std::string &what) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(got[i], want[i], GetParam().tolerance) << what << " " << i;
  }
};

TEST_P(Steps, PackedPromptsAreAsEachAlone) {
  auto program = programOf(GetParam(), {.rows = 96, .countedRows = 8, .kvRows = 128});
  std::vector<std::vector<int32_t>> prompts = {tokensOf(1, 7), tokensOf(2, 33), tokensOf(3, 1), tokensOf(4, 40)};
  std::vector<std::vector<float>> alone;
  for (const auto &prompt : prompts)
    alone.push_back(logitsAlone(*program, prompt));
  std::vector<Piece> pieces;
  int32_t row = 5; // anywhere
  for (const auto &prompt : prompts) {
    pieces.push_back({.tokens = prompt, .at = row, .start = row, .read = {int32_t(prompt.size()) - 1}});
    row += int32_t(prompt.size()) + 3;
  }
  std::span<const float> logits = Inference(*program).step(pieces);
  for (size_t i = 0; i < prompts.size(); ++i)
    expectNear(logits.subspan(i * vocabulary, vocabulary), alone[i], "prompt " + std::to_string(i));
}

TEST_P(Steps, ASharedPrefixIsAsARepeatedOne) {
  auto program = programOf(GetParam(), {.rows = 96, .countedRows = 8, .kvRows = 256});
  std::vector<int32_t> prefix = tokensOf(5, 50);
  std::vector<std::vector<int32_t>> ends = {tokensOf(6, 9), tokensOf(7, 1), tokensOf(8, 17)};
  std::vector<std::vector<float>> alone;
  for (const auto &end : ends) {
    std::vector<int32_t> whole = prefix;
    whole.insert(whole.end(), end.begin(), end.end());
    alone.push_back(logitsAlone(*program, whole));
  }
  Inference inference(*program);
  for (bool isSameStep : {false, true}) {
    std::vector<Piece> pieces = {{.tokens = prefix, .at = 20, .start = 20}};
    if (!isSameStep) {
      inference.step(pieces);
      pieces.clear();
    }
    int32_t row = 120;
    for (const auto &end : ends) {
      pieces.push_back({.tokens = end, .position = 50, .at = row, .start = row, .prefixStart = 20, .prefixEnd = 70,
                        .read = {int32_t(end.size()) - 1}});
      row += int32_t(end.size());
    }
    std::span<const float> logits = inference.step(pieces);
    for (size_t i = 0; i < ends.size(); ++i)
      expectNear(logits.subspan(i * alone[0].size(), alone[0].size()), alone[i], "end " + std::to_string(i));
  }
}

TEST_P(Steps, ScoresOfATreeAreThoseOfEachSequence) {
  SplitMix64 random(11);
  std::vector<TokenRun> runs;
  int64_t slots = 0;
  std::vector<int32_t> header = tokensOf(12, 30), other = tokensOf(13, 25);
  for (int i = 0; i < 14; ++i) {
    TokenRun run;
    if (i % 4 != 3) {
      run.ids = header;
      if (i % 2)
        run.ids.insert(run.ids.end(), other.begin(), other.end());
    }
    std::vector<int32_t> end = tokensOf(uint64_t(100 + i), 1 + random.below(40));
    run.ids.insert(run.ids.end(), end.begin(), end.end());
    for (size_t p = 0; p < run.ids.size(); p += 1 + random.below(9))
      run.reads.push_back({int32_t(p), int32_t(random.below(20)), slots++});
    runs.push_back(run);
  }
  PrefixTree tree(runs);
  EXPECT_LT(tree.computedTokens(), tree.totalTokens() * 3 / 4);
  std::vector<TokenScore> scores(size_t(slots), TokenScore{}), alone(size_t(slots), TokenScore{});
  // Steps and caches of several sizes: places are taken again at other moments.
  for (auto [rows, counted, more] : {std::array<int64_t, 3>{32, 5, 0}, {32, 32, 0}, {17, 3, 9}, {64, 5, 0}, {96, 96, 400}}) {
    auto program =
        programOf(GetParam(), {.rows = rows, .countedRows = counted, .kvRows = cacheRowsFor(tree, rows) + more});
    Scorer(*program).run(tree, scores);
    for (const TokenRun &run : runs)
      Scorer(*program).run(PrefixTree(std::span(&run, 1)), alone);
    for (size_t i = 0; i < scores.size(); ++i) {
      EXPECT_NEAR(scores[i].logProb, alone[i].logProb, GetParam().tolerance) << rows << " " << counted << " " << more << " " << i;
      if (GetParam().dtype == "f32") { // rounding may turn what is nearly equal
        EXPECT_EQ(scores[i].isGreedy, alone[i].isGreedy);
      }
      EXPECT_LT(scores[i].logProb, 0);
    }
  }
}

// The first step ends where the cache does: the next one has gone back to its beginning without having met
// its end, and may not do so again.
TEST_P(Steps, ACacheThatIsExactlyFull) {
  std::vector<TokenRun> runs;
  auto add = [&](std::vector<int32_t> ids, std::vector<int32_t> end) {
    ids.insert(ids.end(), end.begin(), end.end());
    runs.push_back({.ids = ids, .reads = {{int32_t(ids.size()) - 1, 0, int64_t(runs.size())}}});
  };
  for (int32_t i = 0; i < 41; ++i)
    add(std::vector<int32_t>(20, 1), {10 + i, 2, 2});
  for (int32_t i = 0; i < 2; ++i)
    add(std::vector<int32_t>(20, 3), {52 + i, 4, 4, 4, 4});
  PrefixTree tree(runs);
  std::vector<TokenScore> scores(runs.size()), alone(runs.size());
  auto program = programOf(GetParam(), {.rows = 16, .countedRows = 16, .kvRows = cacheRowsFor(tree, 16) + 1});
  Scorer(*program).run(tree, scores);
  for (size_t i : {0, 1, 20, 40, 41, 42}) {
    Scorer(*program).run(PrefixTree(std::span(&runs[i], 1)), alone);
    EXPECT_NEAR(scores[i].logProb, alone[i].logProb, GetParam().tolerance) << i;
  }
}

TEST(Inference, HasAttentionOnTensorCores) {
  auto program = programOf({"", "emulate", "bf16", 0}, {.rows = 1, .countedRows = 1, .kvRows = 1});
  std::vector<std::string> schedules;
  for (const Kernel &kernel : program->manifest().kernels)
    if (kernel.schedule.starts_with("attention."))
      schedules.push_back(kernel.schedule);
  EXPECT_EQ(schedules, std::vector<std::string>{"attention.mma cached width 64 tile 64x64 stages 2 warps 4"});
}

INSTANTIATE_TEST_SUITE_P(Devices, Steps,
                         testing::Values(onCpu, Setup{"emulate", "emulate", "f32", 2e-5},
                                         Setup{"emulate_bf16", "emulate", "bf16", 5e-2}),
                         [](const auto &info) { return info.param.name; });

TEST(Inference, RefusesWhatTheCacheDoesNotHold) {
  auto program = programOf(onCpu, {.rows = 8, .countedRows = 2, .kvRows = 32});
  std::vector<int32_t> ids = tokensOf(1, 8);
  auto step = [&](const Piece &piece) { Inference(*program).step(std::span(&piece, 1)); };
  EXPECT_REFUSED(step({.tokens = ids, .at = 30, .start = 30}), "outside the cache of 32 rows");
  EXPECT_REFUSED(step({.tokens = ids, .at = 8, .start = 0}), "nothing was written");
  EXPECT_REFUSED(step({.tokens = ids, .at = 8, .start = 8, .prefixStart = 0, .prefixEnd = 4}), "nothing was written");
  std::vector<int32_t> more = tokensOf(1, 9);
  EXPECT_REFUSED(step({.tokens = more}), "9 tokens", "opened for 8");
  EXPECT_REFUSED(step({.tokens = ids, .read = {0, 1, 2}}), "3 are read");
  std::vector<Piece> twice = {{.tokens = std::span(ids).first(4)}, {.tokens = std::span(ids).first(4), .at = 3, .start = 3}};
  EXPECT_REFUSED(Inference(*program).step(twice), "two tokens of a step");
}

/// Prints ids, so that texts say which tokens they are of.
class IdTokenizer : public Tokenizer {
public:
  std::vector<int32_t> encode(std::string_view) const override { return {}; }
  std::string decode(std::span<const int32_t> ids, bool) const override {
    std::string text;
    for (int32_t id : ids)
      text += std::to_string(id) + ",";
    return text;
  }
  std::string piece(int32_t id) const override { return std::to_string(id); }
  int64_t vocabSize() const override { return 1 << 20; }
  std::optional<int32_t> bos() const override { return std::nullopt; }
  std::optional<int32_t> eos() const override { return std::nullopt; }
  bool addsBos() const override { return false; }
  std::string chatTemplate() const override { return ""; }
  std::vector<std::pair<std::string, std::string>> files() const override { return {}; }
};

TEST(TextGenerator, TextsSideBySideAreAsEachAlone) {
  std::vector<std::vector<int32_t>> prompts = {tokensOf(1, 5), tokensOf(2, 30), tokensOf(3, 12), tokensOf(4, 1),
                                               tokensOf(5, 9)};
  IdTokenizer tokenizer;
  GenerationOptions options;
  options.maxNewTokens = 12;
  for (double temperature : {0.0, 1.0}) {
    options.sampling.temperature = temperature;
    // Room for three at a time, in steps of 16 rows.
    auto program = programOf(onCpu, {.rows = 16, .countedRows = 3, .kvRows = 3 * 42});
    std::vector<GeneratedText> together = TextGenerator(*program, tokenizer).run(prompts, options);
    for (size_t i = 0; i < prompts.size(); ++i) {
      GenerationOptions own = options;
      own.sampling.seed += i;
      EXPECT_EQ(TextGenerator(*program, tokenizer).run({prompts[i]}, own).front().ids, together[i].ids) << i;
      EXPECT_EQ(together[i].ids.size(), 12u);
    }
  }
}

TEST(TextGenerator, StopsAtTokensAndStringsAndShowsNoMore) {
  auto program = programOf(onCpu, {.rows = 16, .countedRows = 1, .kvRows = 64});
  IdTokenizer tokenizer;
  GenerationOptions options;
  options.maxNewTokens = 8;
  std::vector<int32_t> prompt = tokensOf(2, 6);
  GeneratedText free = TextGenerator(*program, tokenizer).run({prompt}, options).front();
  ASSERT_EQ(free.ids.size(), 8u);
  EXPECT_EQ(free.end, GeneratedText::End::Length);

  GenerationOptions byToken = options;
  byToken.stopTokens = {free.ids[3]};
  GeneratedText stopped = TextGenerator(*program, tokenizer).run({prompt}, byToken).front();
  EXPECT_EQ(stopped.end, GeneratedText::End::StopToken);
  size_t first = size_t(std::ranges::find(free.ids, free.ids[3]) - free.ids.begin());
  EXPECT_EQ(stopped.ids, std::vector<int32_t>(free.ids.begin(), free.ids.begin() + ptrdiff_t(first)));

  GenerationOptions byString = options;
  byString.stopStrings = {"," + std::to_string(free.ids[2]) + ","};
  std::string shown;
  GeneratedText cut = TextGenerator(*program, tokenizer).run({prompt}, byString, [&](size_t, const std::string &text) {
    shown += text;
  }).front();
  EXPECT_EQ(cut.end, GeneratedText::End::StopString);
  EXPECT_EQ(cut.text, free.text.substr(0, free.text.find(byString.stopStrings[0])));
  EXPECT_EQ(shown, cut.text);
}

} // namespace
