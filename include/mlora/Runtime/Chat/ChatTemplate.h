// A model's chat template (Jinja) applied to messages: conversations as the text that the model was trained
// on.
#pragma once

#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlora {

/// Bytes [begin, end) of a text.
struct TextSpan {
  size_t begin = 0, end = 0;
  bool operator==(const TextSpan &) const = default;
};

/// A template, parsed. The language is a whitelisted subset of Jinja with the settings of transformers
/// (trim_blocks, lstrip_blocks, break and continue, `generation` blocks), documented in docs/chat.md: a
/// template that uses more is refused by construct and line. It cannot read files or run code, and what it
/// may compute is bounded.
class ChatTemplate {
public:
  /// `bos` and `eos` are the texts of those tokens, which templates write. `where` stands in front of
  /// messages. Throws Error(BadInput) with the line.
  ChatTemplate(std::string_view source, std::string bos, std::string eos,
               std::string where = "chat template");
  /// The tokenizer's own. Throws Error(BadInput) when it has none.
  explicit ChatTemplate(const Tokenizer &tokenizer);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate &&) noexcept;

  struct Text {
    std::string text;
    std::vector<TextSpan> generated; ///< what `generation` blocks wrote, in order
  };
  /// `messages` is a list of objects with at least `role` and `content`. Throws Error(BadInput) for what the
  /// template itself refuses (raise_exception) and for what it cannot do with these messages. `now` is what
  /// strftime_now tells.
  Text render(const RowJson &messages, bool addGenerationPrompt, std::time_t now = std::time(nullptr)) const;

private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed;
};

/// The text of a conversation; with `addGenerationPrompt` it ends where the assistant's answer begins.
std::string renderChat(const ChatTemplate &chat, const RowJson &messages, bool addGenerationPrompt);

/// A whole conversation and the parts that training counts: the assistant's turns, each from behind its
/// header to the end of its last token (white space that the template puts behind the end of a turn does not
/// count).
///
/// They are those of `generation` blocks where the template has them. Else turn i begins where the messages
/// before it, with the prompt to generate, end (the first one, where the template writes no such prompt, with
/// its content). It ends behind the first special token that follows its content or, where there is none,
/// where the messages up to it end, without white space.
/// Throws Error(BadInput) when neither tells. What strftime_now tells is 26 July 2024 (the date that
/// Llama 3.1's template falls back to): training is the same on every day.
ChatTemplate::Text renderForTraining(const ChatTemplate &chat, const RowJson &messages,
                                     const Tokenizer &tokenizer);

/// Throws Error(BadInput) that begins with `where` unless `messages` is a list of objects with a text `role`
/// and something said (`content`, which may be empty, or `tool_calls`).
void checkMessages(const RowJson &messages, const std::string &where);

} // namespace mlora
