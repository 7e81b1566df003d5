// Which bytes of a conversation training counts.
#include "../Expect.h"
#include "mlora/Runtime/Chat/ChatTemplate.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

namespace mlora {
namespace {

/// A token a byte; `<|…|>` and `</s>` are special ones of two ids.
class MarkedTokenizer : public Tokenizer {
public:
  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < text.size(); ++i)
      if (text.substr(i).starts_with("<|end|>"))
        ids.push_back(256), i += 6;
      else if (text.substr(i).starts_with("</s>"))
        ids.push_back(257), i += 3;
      else
        ids.push_back(uint8_t(text[i]));
    return ids;
  }
  std::string decode(std::span<const int32_t> ids, bool skipSpecial) const override {
    std::string text;
    for (int32_t id : ids)
      text += id < 256 ? std::string(1, char(id)) : skipSpecial ? "" : id == 256 ? "<|end|>" : "</s>";
    return text;
  }
  std::string piece(int32_t id) const override { return decode(std::array{id}, false); }
  int64_t vocabSize() const override { return 258; }
  std::optional<int32_t> bos() const override { return std::nullopt; }
  std::optional<int32_t> eos() const override { return 257; }
  bool addsBos() const override { return false; }
  std::string chatTemplate() const override { return source; }
  std::string chatTemplateFile() const override { return file; }
  std::vector<std::pair<std::string, std::string>> files() const override { return {}; }
  std::string source, file = {};
};

RowJson conversation() {
  return RowJson::parse(R"([{"role": "user", "content": "two"}, {"role": "assistant", "content": "2 "},
    {"role": "user", "content": "2"}, {"role": "assistant", "content": "again 2"}])");
}

/// The trained texts.
std::vector<std::string> trained(const std::string &source, const RowJson &messages = conversation()) {
  MarkedTokenizer tokenizer;
  tokenizer.source = source;
  ChatTemplate::Text text = renderForTraining(ChatTemplate(tokenizer), messages, tokenizer);
  std::vector<std::string> parts;
  for (TextSpan span : text.generated)
    parts.push_back(text.text.substr(span.begin, span.end - span.begin));
  return parts;
}

using Parts = std::vector<std::string>;

TEST(Turns, EndWithTheirEndToken) {
  EXPECT_EQ(trained("{% for m in messages %}{{ m.role ~ ':' ~ m.content ~ '<|end|>\\n' }}{% endfor %}"
                    "{% if add_generation_prompt %}assistant:{% endif %}"),
            (Parts{"2 <|end|>", "again 2<|end|>"}));
}

TEST(Turns, OfATemplateThatTrimsAndAlwaysAddsThePrompt) {
  EXPECT_EQ(
      trained("{% for m in messages %}{{ m.role ~ ':' ~ m.content|trim ~ '<|end|>' }}{% endfor %}assistant:"),
      (Parts{"2<|end|>", "again 2<|end|>"}));
}

TEST(Turns, WithoutAnEndTokenEndWithTheirText) {
  EXPECT_EQ(trained("{% for m in messages %}### {{ m.role ~ '\\n' ~ m.content ~ '\\n\\n' }}{% endfor %}"
                    "{% if add_generation_prompt %}### assistant\n{% endif %}"),
            (Parts{"2 ", "again 2"}));
  EXPECT_EQ(trained("{% for m in messages %}[{{ m.content }}] {% endfor %}"), (Parts{"[2 ]", "[again 2]"}));
}

TEST(Turns, AreThoseOfGenerationBlocks) {
  EXPECT_EQ(
      trained("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}>{% else %}{% generation %}"
              "{{ m.content }}!{% endgeneration %}\n{% endif %}{% endfor %}"),
      (Parts{"2 !", "again 2!"}));
}

TEST(Turns, ABadTemplateIsNamedWithItsFile) {
  MarkedTokenizer tokenizer;
  tokenizer.source = "{{ a }}\n{% if %}";
  tokenizer.file = "model/chat_template.jinja";
  EXPECT_REFUSED(ChatTemplate{tokenizer}, "chat template of model/chat_template.jinja", "line 2");
}

// DeepSeek-R1's distillations: the prompt to generate ends in what no turn of the text has. The user's words
// are no answer.
TEST(Turns, OfAPromptThatTheTextHasNot) {
  std::string source = "{% for m in messages %}{% if m['role'] == 'user' %}<U>{{ m['content'] }}{% else "
                       "%}<A>{{ m['content'] }}</s>"
                       "{% endif %}{% endfor %}{% if add_generation_prompt %}<A><think>{% endif %}";
  RowJson messages = RowJson::parse(R"([{"role": "user", "content": "yes or no: is snow white?"},
    {"role": "assistant", "content": "yes"}, {"role": "user", "content": "no?"}, {"role": "assistant", "content": "no"}])");
  EXPECT_EQ(trained(source, messages), (Parts{"yes</s>", "no</s>"}));
}

TEST(Turns, KnowNoDate) {
  std::string source = "{{ strftime_now('%d %B %Y') }}{% for m in messages %}<{{ m['role'] }}>{{ "
                       "m['content'] }}</s>{% endfor %}"
                       "{% if add_generation_prompt %}<assistant>{% endif %}";
  MarkedTokenizer tokenizer;
  tokenizer.source = source;
  std::string text = renderForTraining(ChatTemplate(tokenizer), conversation(), tokenizer).text;
  EXPECT_TRUE(text.starts_with("26 July 2024<user>two")) << text;
  std::string now = renderChat(ChatTemplate(tokenizer), conversation(), false);
  EXPECT_FALSE(now.starts_with("26 July 2024")) << now;
}

TEST(Turns, OfATemplateThatRefusesPartsOfAConversation) {
  std::string source =
      "{% if messages[0].role != 'assistant' %}{{ raise_exception('must begin with assistant') }}"
      "{% endif %}{% for m in messages %}{{ m.content }}</s>{% endfor %}";
  RowJson messages = RowJson::parse(
      R"([{"role": "assistant", "content": "hello"}, {"role": "user", "content": "hi"}])");
  EXPECT_EQ(trained(source, messages), (Parts{"hello</s>"}));
}

TEST(Turns, OfAConversationThatTheAssistantBegins) {
  // The prompt is written behind the last message: for no message, or for a system message that is taken out,
  // there is none. "a" stands in the header as well.
  std::string loop =
      "{% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}>\n{{ m.content ~ '</s>' }}"
      "{% if loop.last and add_generation_prompt %}<assistant>\n{% endif %}{% endif %}{% endfor %}";
  RowJson messages = RowJson::parse(R"([{"role": "assistant", "content": "a"},
    {"role": "user", "content": "hi"}, {"role": "assistant", "content": "b"}])");
  for (const char *before : {"", "{{ bos_token }}", "{{ 'You are an assistant.' if messages else '' }}"}) {
    EXPECT_EQ(trained(before + loop, messages), (Parts{"a</s>", "b</s>"})) << before;
    RowJson withSystem = {{{"role", "system"}, {"content", "a"}}};
    withSystem.insert(withSystem.end(), messages.begin(), messages.end());
    EXPECT_EQ(trained(before + loop, withSystem), (Parts{"a</s>", "b</s>"})) << before;
  }
  // ChatML writes it for no message too; a system prompt of its own stands in the whole text only.
  std::string chatml = "{% for m in messages %}{{ m.role ~ ':' ~ m.content ~ '<|end|>' }}{% endfor %}"
                       "{% if add_generation_prompt %}assistant:{% endif %}";
  EXPECT_EQ(trained(chatml, messages), (Parts{"a<|end|>", "b<|end|>"}));
  EXPECT_EQ(trained("{% if messages %}an assistant<|end|>{% endif %}" + chatml, messages),
            (Parts{"a<|end|>", "b<|end|>"}));
}

TEST(Turns, ThatCannotBeToldAreRefused) {
  try {
    trained("{% for m in messages %}{% if m.role == 'user' or loop.last %}{{ m.content }}{% endif %}{% "
            "endfor %}");
    FAIL();
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("message 2"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("generation"), std::string::npos) << error.what();
  }
}

TEST(Turns, OfTinyLlama) {
  std::filesystem::path folder = std::filesystem::path(MLORA_SHARED) / "data/tokenizers/tinyllama-chat";
  if (!std::filesystem::exists(folder))
    GTEST_SKIP() << folder << " is absent";
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::open(folder);
  ChatTemplate::Text text = renderForTraining(ChatTemplate(*tokenizer), conversation(), *tokenizer);
  ASSERT_EQ(text.generated.size(), 2u);
  TextSpan last = text.generated[1];
  EXPECT_EQ(text.text.substr(last.begin, last.end - last.begin), "again 2</s>") << text.text;
  RowJson begun = RowJson::parse(R"([{"role": "assistant", "content": "Hello"}])");
  text = renderForTraining(ChatTemplate(*tokenizer), begun, *tokenizer);
  ASSERT_EQ(text.generated.size(), 1u);
  TextSpan first = text.generated[0];
  EXPECT_EQ(text.text.substr(first.begin, first.end - first.begin), "Hello</s>") << text.text;
}

TEST(Messages, HaveARoleAndContent) {
  auto check = [](const char *messages) { checkMessages(RowJson::parse(messages), "row 7"); };
  EXPECT_NO_THROW(
      check(R"([{"role": "assistant", "content": ""}, {"role": "assistant", "tool_calls": [{}]}])"));
  EXPECT_REFUSED(check(R"([{"role": "user", "content": "q"}, {"role": "user"}])"), "row 7", "message 2",
                 "content");
  EXPECT_REFUSED(check(R"([{"role": "user", "content": null}])"), "row 7", "message 1", "content");
  EXPECT_REFUSED(check(R"([{"content": "q"}])"), "row 7", "message 1", "role");
}

TEST(Turns, OfSmolLm2) {
  const char *given = std::getenv("MLORA_SMOLLM2");
  std::filesystem::path file = given ? given : MLORA_SOURCE "/build/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(file))
    GTEST_SKIP() << file << " is absent";
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::open(file);
  ChatTemplate::Text text = renderForTraining(ChatTemplate(*tokenizer), conversation(), *tokenizer);
  EXPECT_EQ(text.text,
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
            "<|im_end|>\n<|im_start|>user\ntwo<|im_end|>\n<|im_start|>assistant\n2 <|im_end|>\n"
            "<|im_start|>user\n2<|im_end|>\n<|im_start|>assistant\nagain 2<|im_end|>\n");
  ASSERT_EQ(text.generated.size(), 2u);
  TextSpan first = text.generated[0];
  EXPECT_EQ(text.text.substr(first.begin, first.end - first.begin), "2 <|im_end|>");
}

} // namespace
} // namespace mlora
