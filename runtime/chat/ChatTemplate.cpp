#include "mlora/Runtime/Chat/ChatTemplate.h"

#include "Interpreter.h"
#include "Parser.h"
#include "mlora/Runtime/Core/Error.h"

namespace mlora {

struct ChatTemplate::Parsed {
  std::string bos, eos, where;
  jinja::NodePtr body;
};

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate &&) noexcept = default;

ChatTemplate::ChatTemplate(std::string_view source, std::string bos, std::string eos, std::string where)
    : parsed(std::make_unique<Parsed>(Parsed{std::move(bos), std::move(eos), std::move(where), nullptr})) {
  constexpr size_t mostBytes = size_t(1) << 20;
  if (source.size() > mostBytes)
    badInput(parsed->where + ": more than 1 MiB");
  parsed->body = jinja::parseTemplate(source, parsed->where);
}

namespace {

std::string tokenText(const Tokenizer &tokenizer, std::optional<int32_t> id) {
  const int32_t ids[] = {id.value_or(0)};
  return id ? tokenizer.decode(ids, false) : "";
}

std::string templateOf(const Tokenizer &tokenizer) {
  std::string source = tokenizer.chatTemplate();
  if (source.empty())
    badInput(
        "the tokenizer has no chat template (chat_template of tokenizer_config.json, chat_template.jinja, or "
        "tokenizer.chat_template of a GGUF file): messages need a model that was trained on conversations");
  return source;
}

std::string placeOf(const Tokenizer &tokenizer) {
  std::string file = tokenizer.chatTemplateFile();
  return file.empty() ? "chat template" : "chat template of " + file;
}

} // namespace

ChatTemplate::ChatTemplate(const Tokenizer &tokenizer)
    : ChatTemplate(templateOf(tokenizer), tokenText(tokenizer, tokenizer.bos()),
                   tokenText(tokenizer, tokenizer.eos()), placeOf(tokenizer)) {}

void checkMessages(const RowJson &messages, const std::string &where) {
  if (!messages.is_array())
    badInput(where + ": expected a list of messages {\"role\", \"content\"}, got " + messages.type_name());
  auto has = [](const RowJson &message, const char *key) {
    return message.contains(key) && !message[key].is_null();
  };
  for (size_t i = 0; i < messages.size(); ++i) {
    std::string place = where + ": message " + std::to_string(i + 1);
    if (!messages[i].is_object() || !messages[i].contains("role") || !messages[i]["role"].is_string())
      badInput(place + ": expected an object with a text \"role\"");
    if (!has(messages[i], "content") && !has(messages[i], "tool_calls"))
      badInput(place + ": has no \"content\": expected the text that is said (it may be empty)");
  }
}

ChatTemplate::Text ChatTemplate::render(const RowJson &messages, bool addGenerationPrompt,
                                        std::time_t now) const {
  using jinja::Value;
  jinja::Map variables;
  variables.set("messages", Value::of(messages));
  variables.set("add_generation_prompt", {addGenerationPrompt});
  variables.set("bos_token", {parsed->bos});
  variables.set("eos_token", {parsed->eos});
  // As transformers' apply_chat_template passes them.
  variables.set("tools", {jinja::None{}});
  variables.set("documents", {jinja::None{}});
  return jinja::Interpreter(parsed->where, std::move(variables), now).run(*parsed->body);
}

std::string renderChat(const ChatTemplate &chat, const RowJson &messages, bool addGenerationPrompt) {
  return chat.render(messages, addGenerationPrompt).text;
}

} // namespace mlora
