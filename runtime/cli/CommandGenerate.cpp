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
  if (prompt.ends_with('\r'))
    prompt.pop_back();
  return prompt;
}

RowJson messagesOf(const Config &config) {
  RowJson messages = parseRow(config.messages, "messages");
  checkMessages(messages, "messages");
  if (messages.empty())
    badInput("messages: holds no message: give at least one, of the user");
  return messages;
}

/// What does not fit beside the new tokens into the model's positions goes from the left, as in scoring; a
/// text that is itself as long as those is generated all the same.
void fit(std::vector<int32_t> &ids, const GenerationOptions &options, const LoadedModel &model) {
  int64_t positions = model.base().config().maxPositions, room = positions - options.maxNewTokens;
  int64_t length = int64_t(ids.size());
  if (positions <= 0 || length <= room)
    return;
  if (room > 1) {
    dropLeft(model.tokenizer(), ids, length - room);
    std::fprintf(stderr,
                 "mlora-run: note: the prompt's %lld tokens and %lld new ones are more than the model's %lld "
                 "positions: "
                 "it was cut on the left, by %lld tokens\n",
                 (long long)length, (long long)options.maxNewTokens, (long long)positions,
                 (long long)(length - room));
    return;
  }
  std::fprintf(
      stderr,
      "mlora-run: note: %lld new tokens alone are as many as the %lld positions that the model was trained "
      "for\n",
      (long long)options.maxNewTokens, (long long)positions);
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
  bool isChat = arguments.has("messages");
  if (isChat && arguments.has("prompt"))
    badInput("prompt= and messages= are given: give one of them");
  // What was asked is checked before a model is opened.
  RowJson messages = isChat ? messagesOf(config) : RowJson();
  std::string prompt = isChat ? "" : promptOf(arguments);
  checkUtf8(prompt, "the prompt");
  LoadedModel model(arguments);
  const Tokenizer &tokenizer = model.tokenizer();
  if (isChat)
    prompt = renderChat(ChatTemplate(tokenizer), messages, /*addGenerationPrompt=*/true);
  // A chat template writes BOS itself.
  std::vector<int32_t> ids = isChat ? tokenizer.encode(prompt) : encodeWithBos(tokenizer, prompt);
  if (ids.empty())
    badInput("the prompt is empty: give prompt=TEXT, or text on standard input");

  GenerationOptions options = optionsOf(config, model);
  fit(ids, options, model);
  int64_t length = cacheRowsFor(int64_t(ids.size()), options, 1);
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
