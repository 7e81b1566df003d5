#include "Decoder.h"

#include "ByteLevel.h"
#include "Component.h"
#include "Pattern.h"
#include "Utf8.h"
#include "mlora/Runtime/Core/Text.h"

#include <charconv>
#include <cstdio>

namespace mlora::tokenization {

namespace {

class ByteLevel : public Decoder {
public:
  explicit ByteLevel(const JsonFields &component) {
    allowOnly(component,
              {"type", "add_prefix_space", "trim_offsets", "use_regex"}); // none of them matters here
  }
  std::vector<std::string> apply(std::vector<std::string> tokens) const override {
    std::string bytes;
    for (const std::string &token : tokens)
      bytes += bytesOfToken(token);
    return {replaceInvalidUtf8(bytes)};
  }
  std::string piece(std::string token) const override {
    std::string bytes = bytesOfToken(token), text;
    if (isValidUtf8(bytes))
      return bytes;
    for (char byte : bytes) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned char>(byte));
      text += name;
    }
    return text;
  }
};

class Metaspace : public Decoder {
public:
  explicit Metaspace(const JsonFields &component) {
    allowOnly(component, {"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"});
    mark = component.optionalString("replacement").value_or("▁");
    dropFirst = component.optionalString("prepend_scheme").value_or("always") != "never";
    if (mark.empty())
      component.refuse("replacement", "a character is expected");
  }
  std::vector<std::string> apply(std::vector<std::string> tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = withMarkAs(i == 0 && dropFirst ? "" : " ", tokens[i]);
    return tokens;
  }
  std::string piece(std::string token) const override { return withMarkAs(" ", token); }

private:
  std::string withMarkAs(std::string_view text, const std::string &token) const {
    std::string result;
    size_t done = 0;
    for (size_t at = token.find(mark); at != token.npos; at = token.find(mark, done)) {
      result.append(token, done, at - done).append(text);
      done = at + mark.size();
    }
    return result.append(token, done);
  }
  std::string mark;
  bool dropFirst;
};

class Replace : public Decoder {
public:
  explicit Replace(const JsonFields &component)
      : pattern(component, "pattern"), content(component.string("content")) {
    allowOnly(component, {"type", "pattern", "content"});
  }
  std::vector<std::string> apply(std::vector<std::string> tokens) const override {
    for (std::string &token : tokens)
      token = piece(token);
    return tokens;
  }
  std::string piece(std::string token) const override { return pattern.replaced(token, content); }

private:
  Pattern pattern;
  std::string content;
};

/// Runs of <0xHH> tokens become the text of their bytes, or one U+FFFD each where that is no UTF-8.
class ByteFallback : public Decoder {
public:
  explicit ByteFallback(const JsonFields &component) { allowOnly(component, {"type"}); }

  std::vector<std::string> apply(std::vector<std::string> tokens) const override {
    std::vector<std::string> result;
    std::string bytes;
    auto flush = [&] {
      if (isValidUtf8(bytes) && !bytes.empty())
        result.push_back(bytes);
      else
        result.insert(result.end(), bytes.size(), std::string(replacementCharacter));
      bytes.clear();
    };
    for (std::string &token : tokens) {
      if (auto byte = byteOf(token)) {
        bytes += *byte;
      } else {
        flush();
        result.push_back(std::move(token));
      }
    }
    flush();
    return result;
  }

private:
  static std::optional<char> byteOf(const std::string &token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
      return std::nullopt;
    unsigned char byte = 0;
    auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
    if (error != std::errc() || end != token.data() + 5)
      return std::nullopt;
    return static_cast<char>(byte);
  }
};

class Fuse : public Decoder {
public:
  explicit Fuse(const JsonFields &component) { allowOnly(component, {"type"}); }
  std::vector<std::string> apply(std::vector<std::string> tokens) const override { return {joined(tokens, "")}; }
};

/// Takes up to `start` and `stop` copies of a character off the ends of every token.
class Strip : public Decoder {
public:
  explicit Strip(const JsonFields &component)
      : content(component.string("content")), start(component.integer("start")),
        stop(component.integer("stop")) {
    allowOnly(component, {"type", "content", "start", "stop"});
    if (content.empty())
      component.refuse("content", "a character is expected");
  }
  std::vector<std::string> apply(std::vector<std::string> tokens) const override {
    for (std::string &token : tokens) {
      for (int64_t i = 0; i < start && token.starts_with(content); ++i)
        token.erase(0, content.size());
      for (int64_t i = 0; i < stop && token.ends_with(content); ++i)
        token.erase(token.size() - content.size());
    }
    return tokens;
  }

private:
  std::string content;
  int64_t start, stop;
};

class Sequence : public Decoder {
public:
  explicit Sequence(const JsonFields &component) {
    allowOnly(component, {"type", "decoders"});
    for (const JsonFields &part : componentsOf(component, "decoders"))
      parts.push_back(parse(part));
  }
  std::vector<std::string> apply(std::vector<std::string> tokens) const override {
    for (const auto &part : parts)
      tokens = part->apply(std::move(tokens));
    return tokens;
  }
  std::string piece(std::string token) const override {
    for (const auto &part : parts)
      token = part->piece(std::move(token));
    return token;
  }

private:
  std::vector<std::unique_ptr<Decoder>> parts;
};

} // namespace

std::unique_ptr<Decoder> Decoder::parse(const JsonFields &component) {
  std::string type = component.string("type");
  if (type == "ByteLevel")
    return std::make_unique<ByteLevel>(component);
  if (type == "Metaspace")
    return std::make_unique<Metaspace>(component);
  if (type == "Replace")
    return std::make_unique<Replace>(component);
  if (type == "ByteFallback")
    return std::make_unique<ByteFallback>(component);
  if (type == "Fuse")
    return std::make_unique<Fuse>(component);
  if (type == "Strip")
    return std::make_unique<Strip>(component);
  if (type == "Sequence")
    return std::make_unique<Sequence>(component);
  refuseType(component, "ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip and Sequence");
}

} // namespace mlora::tokenization
