#include "VerifyMerge.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Inference/LoadedModel.h"
#include "mlora/Runtime/Inference/Scorer.h"
#include "mlora/Runtime/Tokenizer/Bos.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mlora {
namespace {

constexpr const char *ownText =
    "The capital of France is Paris. Water boils at 100 degrees Celsius at sea level, and twelve times "
    "twelve is "
    "144. She opened the letter, read it twice, and put it back into the drawer without a word.";

std::vector<int32_t> tokensOf(const LoadedModel &model, const Arguments &arguments) {
  std::vector<int32_t> ids =
      encodeWithBos(model.tokenizer(), arguments.has("prompt") ? arguments.config.prompt : ownText);
  int64_t trained = model.base().config().maxPositions;
  if (trained > 0 && int64_t(ids.size()) > trained)
    ids.resize(size_t(trained));
  if (ids.empty())
    badInput("the text to verify on is empty: give prompt=TEXT");
  return ids;
}

/// Logits behind every token, [tokens, vocabulary].
std::vector<float> logitsOf(LoadedModel &model, const std::vector<int32_t> &ids) {
  auto count = int64_t(ids.size());
  Program &program = model.open({.rows = count, .countedRows = count, .kvRows = count});
  Inference inference(program);
  Piece piece{.tokens = ids};
  for (int32_t i = 0; i < count; ++i)
    piece.read.push_back(i);
  std::span<const float> logits = inference.step({&piece, 1});
  return {logits.begin(), logits.end()};
}

Verification compare(const std::vector<float> &before, const std::vector<float> &after, size_t tokens) {
  Verification result;
  result.tokens = int64_t(tokens);
  size_t vocabulary = before.size() / tokens;
  double difference = 0, size = 0, same = 0;
  for (size_t token = 0; token < tokens; ++token) {
    std::span<const float> a(before.data() + token * vocabulary, vocabulary),
        b(after.data() + token * vocabulary, vocabulary);
    double totalA = logSumExp(a), totalB = logSumExp(b);
    for (size_t i = 0; i < vocabulary; ++i) {
      difference = std::max(difference, std::abs(double(a[i]) - b[i]));
      size = std::max(size, std::abs(double(a[i])));
      double logA = a[i] - totalA, logB = b[i] - totalB;
      result.divergence += std::exp(logA) * (logA - logB);
    }
    same += std::ranges::max_element(a) - a.begin() == std::ranges::max_element(b) - b.begin();
  }
  result.largest = size > 0 ? difference / size : difference;
  result.divergence /= double(tokens);
  result.sameBest = same / double(tokens);
  return result;
}

} // namespace

void checkVerifiable(const Arguments &arguments) {
  if (arguments.config.adapterPaths().size() != 1)
    badInput("verify compares with one adapter on its base: leave it out, or merge one adapter at a time");
}

Verification verifyMerge(const Arguments &arguments) {
  // dtype is how the result is stored; both are computed in f32.
  Arguments before = arguments;
  before.config.dtype = "f32";
  before.config.tokenizer = arguments.config.tokenizerPath();
  if (isWholeModel(before.config.adapter)) // of method=ft
    before.config.model = std::exchange(before.config.adapter, "");
  Arguments after = before;
  after.config.model = arguments.config.outputDir;
  after.config.adapter.clear();
  std::vector<int32_t> ids;
  std::vector<float> expected;
  {
    LoadedModel model(before); // one of them in memory at a time
    ids = tokensOf(model, arguments);
    expected = logitsOf(model, ids);
  }
  LoadedModel merged(after);
  return compare(expected, logitsOf(merged, ids), ids.size());
}

nlohmann::ordered_json Verification::toJson() const {
  return {{"tokens", tokens},
          {"largest_difference", largest},
          {"mean_divergence", divergence},
          {"same_best_token", sameBest}};
}

} // namespace mlora
