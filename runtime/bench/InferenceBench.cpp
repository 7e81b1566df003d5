#include "mlora/Runtime/Bench/InferenceBench.h"

#include "mlora/Runtime/Bench/Memory.h"
#include "mlora/Runtime/Inference/LoadedModel.h"
#include "mlora/Runtime/Inference/Sampler.h"
#include "mlora/Runtime/Program/Inference.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace mlora {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int64_t decodePrompt = 5, decodeTokens = 64, prefillTokens = 512;

/// Any tokens, all different where the vocabulary has so many.
std::vector<int32_t> someTokens(int64_t count, int64_t vocabulary) {
  std::vector<int32_t> ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), 100);
  for (int32_t &id : ids)
    id = int32_t(id % vocabulary);
  return ids;
}

std::span<const float> prefill(Inference &inference, std::span<const int32_t> ids) {
  Piece piece{.tokens = ids, .read = {int32_t(ids.size()) - 1}};
  return inference.step(std::span(&piece, 1));
}

/// Behind a prompt that was read; `logits` are those after it.
void decode(Inference &inference, std::span<const int32_t> prompt, std::span<const float> logits) {
  Sampler greedy({});
  for (int64_t i = 0; i < decodeTokens; ++i) {
    int32_t token = greedy.next(logits, {});
    auto place = int32_t(int64_t(prompt.size()) + i);
    Piece next{.tokens = {&token, 1}, .position = place, .at = place, .read = {0}};
    logits = inference.step(std::span(&next, 1));
  }
}

} // namespace

InferenceResult benchInference(const Arguments &arguments) {
  const Config &config = arguments.config;
  InferenceResult result;
  result.measure = config.measure;
  bool isPrefill = config.measure == "prefill";
  int64_t prompt = !isPrefill ? decodePrompt : arguments.has("max_length") ? config.maxLength : prefillTokens;
  result.tokens = isPrefill ? prompt : decodeTokens;
  LoadedModel model(arguments);
  Program &program =
      model.open({.rows = prompt, .countedRows = 1, .kvRows = prompt + (isPrefill ? 0 : decodeTokens)});
  result.compileSeconds = program.bundle().compileSeconds;
  result.weightMiB = weightBytes(program) >> 20;
  std::vector<int32_t> ids = someTokens(prompt, model.base().config().vocabSize);
  Inference inference(program);
  std::vector<double> seconds;
  for (int64_t round = 0; round <= config.steps; ++round) {
    Clock::time_point start = Clock::now();
    std::span<const float> logits = prefill(inference, ids);
    if (!isPrefill) {
      start = Clock::now();
      decode(inference, ids, logits);
    }
    if (round > 0)
      seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::ranges::nth_element(seconds, seconds.begin() + ptrdiff_t(seconds.size() / 2));
  result.secondsPerRound = seconds[seconds.size() / 2];
  result.peakResidentMiB = int64_t(peakResidentMib());
  return result;
}

nlohmann::ordered_json InferenceResult::toJson() const {
  return {{"measure", measure},
          {"tokens", tokens},
          {"seconds_per_round", secondsPerRound},
          {"tokens_per_second", tokensPerSecond()},
          {"compile_seconds", compileSeconds},
          {"peak_resident_mib", peakResidentMiB},
          {"weight_mib", weightMiB}};
}

std::string InferenceResult::text() const {
  char line[200];
  std::snprintf(line, sizeof line, "%s: %lld tokens in %.3f s, %.1f tokens/s; weights %lld MiB, peak %lld MiB\n",
                measure.c_str(), (long long)tokens, secondsPerRound, tokensPerSecond(), (long long)weightMiB,
                (long long)peakResidentMiB);
  return line;
}

} // namespace mlora
