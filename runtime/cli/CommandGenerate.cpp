// `mlora-run generate`: greedy or sampled continuation of a prompt, streamed to stdout.
#include "mlora/Runtime/Chat/ChatTemplate.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Core/Utf8.h"
#include "mlora/Runtime/Inference/LoadedModel.h"
#include "mlora/Runtime/Inference/TextGenerator.h"
#include "mlora/Runtime/Tokenizer/Bos.h"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace mlora {
namespace {

/// Rows of a step: of the prompt, most of them.
constexpr int64_t stepRows = 128;

std::string promptOf(const Arguments &arguments) {
  const Config &config = arguments.config;
  if (arguments.has("prompt"))
    return config.prompt;
  if (isatty(STDIN_FILENO))
    std::fprintf(stderr, "mlora-run: type the prompt, then Ctrl-D (or give prompt=TEXT)\n");
  std::string prompt(std::istreambuf_iterator<char>(std::cin), {});
  if (prompt.ends_with('\n')) // the shell's or the editor's, not the prompt's
    prompt.pop_back();
  return prompt;
}

std::string chatOf(const Config &config, const Tokenizer &tokenizer) {
  nlohmann::json messages = parseJson(config.messages, "messages");
  checkMessages(messages, "messages");
  return renderChat(ChatTemplate(tokenizer), messages, /*addGenerationPrompt=*/true);
}

GenerationOptions optionsOf(const Config &config, const LoadedModel &model) {
  GenerationOptions options;
  options.sampling = {.repetitionPenalty = config.repetitionPenalty,
                      .temperature = config.temperature,
                      .topK = config.topK,
                      .topP = config.topP,
                      .seed = config.seed};
  options.maxNewTokens = config.maxNewTokens;
  options.stopStrings = config.stop;
  options.stopTokens = model.stopTokens();
  return options;
}

const char *nameOf(GeneratedText::End end) {
  return end == GeneratedText::End::Length ? "length" : end == GeneratedText::End::StopToken ? "eos" : "stop";
}

} // namespace

int runGenerate(Arguments &arguments) {
  const Config &config = arguments.config;
  bool isChat = !config.messages.empty();
  if (isChat && arguments.has("prompt"))
    badInput("prompt= and messages= are given: give one of them");
  LoadedModel model(arguments);
  const Tokenizer &tokenizer = model.tokenizer();
  std::string prompt = isChat ? chatOf(config, tokenizer) : promptOf(arguments);
  if (!isUtf8(prompt))
    badInput("the prompt is not UTF-8: convert it, with iconv for example");
  // A chat template writes BOS itself.
  std::vector<int32_t> ids = isChat ? tokenizer.encode(prompt) : encodeWithBos(tokenizer, prompt);
  if (ids.empty())
    badInput("the prompt is empty: give prompt=TEXT, or text on standard input");

  GenerationOptions options = optionsOf(config, model);
  int64_t length = cacheRowsFor(int64_t(ids.size()), options, 1),
          trained = model.base().config().maxPositions;
  if (trained > 0 && length > trained)
    std::fprintf(stderr,
                 "mlora-run: prompt and new tokens are %lld together, more than the %lld positions that the "
                 "model was trained for\n",
                 (long long)length, (long long)trained);
  Program &program =
      model.open({.rows = std::min<int64_t>(stepRows, length), .countedRows = 1, .kvRows = length});
  auto show = [](size_t, const std::string &text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  TextGenerator generator(program, tokenizer);
  GeneratedText text = generator.run({ids}, options, config.json ? TextGenerator::Show() : show).front();
  if (!config.json) {
    std::printf("\n");
    return 0;
  }
  nlohmann::ordered_json json = {{"prompt", prompt},
                                 {"text", text.text},
                                 {"prompt_ids", ids},
                                 {"ids", text.ids},
                                 {"stopped_at_eos", text.end == GeneratedText::End::StopToken},
                                 {"end", nameOf(text.end)}};
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  return 0;
}

} // namespace mlora
