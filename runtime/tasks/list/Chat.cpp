// Conversations: {"messages": [{"role", "content"}]}, or ShareGPT's {"conversations": [{"from", "value"}]}.
#include "mlora/Runtime/Tasks/Task.h"

namespace mlora::tasklist {
namespace {

/// ShareGPT's names of the speakers.
std::string roleOf(const RowFields &message) {
  std::string from = filledString(message, "from");
  if (from == "human" || from == "user")
    return "user";
  if (from == "gpt" || from == "assistant" || from == "chatgpt" || from == "bing" || from == "bard")
    return "assistant";
  if (from == "system")
    return from;
  message.refuse("from", "unknown speaker '" + from + "': expected human, gpt or system");
}

RowJson messagesOf(const RowFields &row) {
  const char *key = row.has("messages") ? "messages" : "conversations";
  if (!row.has(key) || !row.raw().at(key).is_array() || row.raw().at(key).empty())
    row.refuse(key, "expected a list of messages, at least one");
  RowJson messages = RowJson::array();
  bool isAnswered = false;
  for (const RowJson &message : row.raw().at(key)) {
    std::string where = row.where() + ", message " + std::to_string(messages.size() + 1);
    RowFields fields(message, where);
    if (fields.has("from"))
      messages.push_back({{"role", roleOf(fields)}, {"content", fields.string("value")}});
    else
      messages.push_back(message);
    filledString(RowFields(messages.back(), where), "role");
    isAnswered = isAnswered || messages.back()["role"] == "assistant";
  }
  if (!isAnswered)
    row.refuse(key, "no message is the assistant's (role assistant, or from gpt): nothing would be trained");
  return messages;
}

} // namespace

extern const Task Chat = {
    .name = "chat",
    .doc = "a conversation, in the words of the model's chat template: the assistant's turns",
    .recognises =
        [](const RowJson &row) { return row.contains("messages") || row.contains("conversations"); },
    .forms = {{"messages"}, {"conversations"}},
    .example = nullptr,
    .messages = messagesOf,
};

} // namespace mlora::tasklist
