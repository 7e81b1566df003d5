#include "VerifyMerge.h"

#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Utf8.h"
#include "mlora/Runtime/Inference/LoadedModel.h"
#include "mlora/Runtime/Inference/Scorer.h"
#include "mlora/Runtime/Tokenizer/Bos.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace mlora {
namespace {

constexpr const char *ownText =
    "The capital of France is Paris. Water boils at 100 degrees Celsius at sea level, and twelve times "
    "twelve is "
    "144. She opened the letter, read it twice, and put it back into the drawer without a word.";

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
      double apart = std::abs(double(a[i]) - b[i]);
      // What is no number is as far as can be; max() would drop it.
      difference = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(difference, apart);
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

Verification verify(const Arguments &arguments, const std::vector<int32_t> &ids) {
  // dtype is how the result is stored; both are computed in f32.
  Arguments before = arguments;
  before.config.dtype = "f32";
  before.config.tokenizer = arguments.config.tokenizerPath();
  if (isWholeModel(before.config.adapter)) // of method=ft
    before.config.model = std::exchange(before.config.adapter, "");
  Arguments after = before;
  after.config.model = arguments.config.outputDir;
  after.config.adapter.clear();
  std::vector<float> expected;
  {
    LoadedModel model(before); // one of them in memory at a time
    expected = logitsOf(model, ids);
  }
  LoadedModel merged(after);
  return compare(expected, logitsOf(merged, ids), ids.size());
}

} // namespace

std::vector<int32_t> verificationTokens(const Arguments &arguments, const ModelConfig &base) {
  std::string text = arguments.has("prompt") ? arguments.config.prompt : ownText;
  checkUtf8(text, "prompt, the text to verify on,");
  std::vector<int32_t> ids;
  if (!text.empty()) // where BOS alone would be verified
    ids = encodeWithBos(*openTokenizer(arguments.config, base), text);
  if (ids.empty())
    badInput("prompt, the text to verify on, is empty: give one, or leave it out for one of our own");
  if (base.maxPositions > 0 && int64_t(ids.size()) > base.maxPositions)
    ids.resize(size_t(base.maxPositions));
  return ids;
}

Verification verifyMerge(const Arguments &arguments, const std::vector<int32_t> &tokens) {
  try {
    return verify(arguments, tokens);
  } catch (const Error &error) {
    throw Error(error.status,
                arguments.config.outputDir + " is written, but could not be verified: " + error.what());
  }
}

nlohmann::ordered_json Verification::toJson() const {
  return {{"tokens", tokens},
          {"largest_difference", largest},
          {"mean_divergence", divergence},
          {"same_best_token", sameBest}};
}

} // namespace mlora
