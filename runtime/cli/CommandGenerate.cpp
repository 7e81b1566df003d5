// `mlora-run generate`: greedy continuation of a prompt, streamed to stdout.
#include "mlora/Runtime/Adapter/AdapterFiles.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Program/BundleCache.h"
#include "mlora/Runtime/Program/Generator.h"
#include "mlora/Runtime/Program/Parameters.h"
#include "mlora/Runtime/Program/Schedules.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"
#include "mlora/Runtime/Train/Trainable.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace mlora {
namespace {

/// Rows of a piece of the prompt.
constexpr int64_t pieceRows = 128;

/// Prints what is new in the text of `ids`; a character that is not yet whole waits for its other bytes.
class Stream {
public:
  Stream(const Tokenizer &tokenizer, const std::vector<int32_t> &prompt, bool quiet)
      : tokenizer(tokenizer), prompt(prompt), before(tokenizer.decode(prompt)), quiet(quiet) {}
  void show(const std::vector<int32_t> &ids, bool last) {
    // Decoded behind the prompt: at the start of a text, SentencePiece drops a space.
    std::vector<int32_t> all = prompt;
    all.insert(all.end(), ids.begin(), ids.end());
    std::string joined = tokenizer.decode(all);
    text = joined.starts_with(before) ? joined.substr(before.size()) : tokenizer.decode(ids);
    bool whole = last || !text.ends_with("\xEF\xBF\xBD");
    if (quiet || !whole || text.size() <= shown)
      return;
    std::fwrite(text.data() + shown, 1, text.size() - shown, stdout);
    std::fflush(stdout);
    shown = text.size();
  }
  std::string text;

private:
  const Tokenizer &tokenizer;
  const std::vector<int32_t> prompt;
  const std::string before;
  bool quiet;
  size_t shown = 0;
};

} // namespace

int runGenerate(Arguments &arguments) {
  const Config &config = arguments.config;
  if (!config.messages.empty())
    badInput("messages= needs chat templates, which are not built yet; give prompt= instead");
  auto base = Checkpoint::open(config.model);
  auto tokenizer = Tokenizer::open(config.tokenizerPath());
  if (tokenizer->vocabSize() > base->config().vocabSize)
    badInput("the tokenizer " + config.tokenizerPath() + " has " + std::to_string(tokenizer->vocabSize()) +
             " tokens, the checkpoint " + config.model + " only " + std::to_string(base->config().vocabSize) +
             "; give the checkpoint's own with tokenizer=");
  if (!arguments.has("prompt") && isatty(STDIN_FILENO))
    std::fprintf(stderr, "mlora-run: type the prompt, then Ctrl-D (or give prompt=TEXT)\n");
  std::string prompt = config.prompt;
  if (!arguments.has("prompt")) {
    prompt.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    if (prompt.ends_with('\n')) // the shell's or the editor's, not the prompt's
      prompt.pop_back();
  }
  std::vector<int32_t> ids = tokenizer->encode(prompt);
  if (tokenizer->addsBos() && tokenizer->bos() && (ids.empty() || ids.front() != *tokenizer->bos()))
    ids.insert(ids.begin(), *tokenizer->bos());
  if (ids.empty())
    badInput("the prompt is empty: give prompt=TEXT, or text on standard input");

  std::optional<Adapter> adapter;
  if (!config.adapter.empty()) {
    adapter = readAdapter(config.adapter, base->config());
    checkBase(*adapter, base->fingerprint(), config.adapter);
  }
  int64_t length = int64_t(ids.size()) + config.maxNewTokens;
  if (base->config().maxPositions > 0 && length > base->config().maxPositions)
    std::fprintf(stderr,
                 "mlora-run: prompt and new tokens are %lld together, more than the %lld positions that the "
                 "model was trained for\n",
                 (long long)length, (long long)base->config().maxPositions);
  BundleCache cache;
  cache.message = [](const std::string &text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  ProgramRequest request = programRequest("generate", config.model, adapter ? &*adapter : nullptr);
  request.setDevice(config.device, config.chip);
  request.dtype = config.dtype;
  if (config.quantized == "auto" && config.device == "cpu")
    for (const auto &[tensor, types] : request.keepQuantized(*base))
      std::fprintf(stderr, "mlora-run: %s is stored as %s, another type in some layers than in others: it is kept as f32\n",
                   tensor.c_str(), types.c_str());
  Program program(cache.get(request), {.rows = pieceRows, .countedRows = 1, .kvRows = length},
                  config.numThreads);
  for (const std::string &line : describeSchedules(program.manifest()))
    std::fprintf(stderr, "%s\n", line.c_str());
  Parameters parameters(program);
  loadWeights(program, *base);
  if (adapter)
    loadAdapter(parameters, *adapter);
  if (program.has("prepare"))
    program.run("prepare");

  std::vector<int32_t> stops(base->config().eosTokens.begin(), base->config().eosTokens.end());
  if (tokenizer->eos())
    stops.push_back(*tokenizer->eos());
  Generator generator(program);
  Stream stream(*tokenizer, ids, config.json);
  std::vector<int32_t> fresh;
  std::span<const float> logits = generator.append(ids);
  bool stopped = false;
  while (int64_t(fresh.size()) < config.maxNewTokens) {
    int32_t token = greedyToken(logits);
    stopped = std::ranges::find(stops, token) != stops.end();
    if (stopped)
      break;
    fresh.push_back(token);
    stream.show(fresh, false);
    if (int64_t(fresh.size()) < config.maxNewTokens)
      logits = generator.append(std::span<const int32_t>(&fresh.back(), 1));
  }
  stream.show(fresh, true);
  if (config.json) {
    nlohmann::ordered_json json = {{"prompt", prompt},
                                   {"text", stream.text},
                                   {"prompt_ids", ids},
                                   {"ids", fresh},
                                   {"stopped_at_eos", stopped}};
    std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("\n");
  }
  return 0;
}

} // namespace mlora
