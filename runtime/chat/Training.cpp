// Which parts of a conversation are the assistant's.
#include "Characters.h"
#include "mlora/Runtime/Chat/ChatTemplate.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <optional>

namespace mlora {
namespace {

constexpr size_t nowhere = std::string::npos;

/// The end of the first special token of a text; nothing when it has none.
std::optional<size_t> firstSpecialEnd(std::string_view text, const Tokenizer &tokenizer) {
  // It is near: of a long conversation's rest no more is read than it takes.
  for (size_t length = 256;; length *= 8) {
    std::string_view part = text.substr(0, length);
    for (int32_t id : tokenizer.encode(part)) {
      const int32_t ids[] = {id};
      std::string token = tokenizer.decode(ids, false);
      if (token.empty() || !tokenizer.decode(ids, true).empty())
        continue;
      if (size_t at = part.find(token); at != part.npos)
        return at + token.size();
    }
    if (part.size() == text.size())
      return std::nullopt;
  }
}

class Turns {
public:
  Turns(const ChatTemplate &chat, const RowJson &messages, const Tokenizer &tokenizer)
      : chat(chat), messages(messages), tokenizer(tokenizer), result(rendered(messages, false)) {}

  ChatTemplate::Text find() {
    if (!result.generated.empty())
      return std::move(result);
    for (size_t i = 0; i < messages.size(); ++i)
      if (messages[i]["role"] == "assistant")
        result.generated.push_back(turn(i));
    return std::move(result);
  }

private:
  ChatTemplate::Text rendered(const RowJson &some, bool addGenerationPrompt) const {
    constexpr std::time_t date =
        1721995200; // 26 July 2024, at noon in Greenwich: the same day nearly everywhere
    return chat.render(some, addGenerationPrompt, date);
  }

  /// The text of the first `count` messages; nothing where the template refuses them (none at all, a
  /// conversation that ends in a system message).
  std::optional<std::string> textOf(size_t count, bool addGenerationPrompt) const {
    RowJson first(messages.begin(), messages.begin() + int64_t(count));
    try {
      return rendered(first, addGenerationPrompt).text;
    } catch (const Error &) {
      return std::nullopt;
    }
  }

  /// Where a message's content stands in a text, at or behind `from`; templates may trim it.
  static TextSpan contentOf(const RowJson &message, const std::string &text, size_t from) {
    if (!message.contains("content") || !message["content"].is_string())
      return {nowhere, nowhere};
    auto content = message["content"].get<std::string>();
    for (const std::string &form : {content, jinja::stripped(content, true, true)})
      if (size_t at = text.find(form, from); at != nowhere)
        return {at, at + form.size()};
    return {nowhere, nowhere};
  }

  /// Whether only system messages stand before message i.
  bool isFirst(size_t i) const {
    return std::all_of(messages.begin(), messages.begin() + int64_t(i),
                       [](const RowJson &message) { return message["role"] == "system"; });
  }

  /// Where a message's content begins in the whole text: up to there the text is the same with another
  /// content that has another first letter. Content itself may be found too early, in a header (`a` in
  /// `assistant`).
  size_t contentBegin(size_t i) const {
    if (!messages[i].contains("content") || !messages[i]["content"].is_string())
      return nowhere;
    std::string content = jinja::stripped(messages[i]["content"].get<std::string>(), true, true);
    RowJson others = messages;
    others[i]["content"] = content.starts_with('x') ? "y" : "x";
    try {
      std::string other = rendered(others, false).text;
      if (other != result.text)
        return size_t(std::ranges::mismatch(other, result.text).in2 - result.text.begin());
    } catch (const Error &) {
      // A template that looks into contents.
    }
    return nowhere;
  }

  /// Where turn i begins: behind the messages before it with the prompt to generate. Its content tells where
  /// the whole text has no such prompt (some end in a `<think>` that no earlier turn has), and where none but
  /// system messages are before it: a template may write that prompt nowhere (`if loop.last and …` runs for
  /// no message then), or write a system prompt of its own in the whole text only.
  size_t turnBegin(size_t i, size_t before) const {
    std::optional<std::string> header = textOf(i, true);
    bool isHeader = header && header->size() >= before && result.text.starts_with(*header);
    bool isTold = isHeader && !(isFirst(i) && header == textOf(i, false));
    return isTold ? header->size() : contentBegin(i);
  }

  TextSpan turn(size_t i) const {
    size_t before = result.generated.empty() ? 0 : result.generated.back().end, begin = turnBegin(i, before),
           end = nowhere;
    std::optional<std::string> upToHere = textOf(i + 1, false);
    // The turn is looked for where nothing follows it; it must stand in the whole conversation likewise.
    const std::string &text = upToHere ? *upToHere : result.text;
    auto shared = size_t(std::ranges::mismatch(text, result.text).in1 - text.begin());
    TextSpan content = contentOf(messages[i], text, begin);
    if (content.begin != nowhere) {
      end =
          content.end + ownEnd(std::string_view(text).substr(content.end), upToHere && shared == text.size());
    } else if (upToHere) {
      end = text.size();
    }
    if (begin == nowhere || end == nowhere || end > shared)
      badInput(
          "message " + std::to_string(i + 1) +
          ": where the assistant's turn stands in the template's text cannot be told (the template writes "
          "earlier turns otherwise once more follow): mark it in the template with {% generation %} … "
          "{% endgeneration %}");
    return {begin, end};
  }

  /// How much of the text behind a turn's content is the turn's own. `isBounded`: all of it, but for white
  /// space.
  size_t ownEnd(std::string_view rest, bool isBounded) const {
    if (std::optional<size_t> special = firstSpecialEnd(rest, tokenizer))
      return *special;
    return isBounded ? rest.find_last_not_of(" \t\r\n") + 1 : 0;
  }

  const ChatTemplate &chat;
  const RowJson &messages;
  const Tokenizer &tokenizer;
  ChatTemplate::Text result;
};

} // namespace

ChatTemplate::Text renderForTraining(const ChatTemplate &chat, const RowJson &messages,
                                     const Tokenizer &tokenizer) {
  return Turns(chat, messages, tokenizer).find();
}

} // namespace mlora
