#include "GgufPreTokenizers.h"

#include "mlora/Runtime/Core/Error.h"

namespace mlora::tokenization {

using nlohmann::json;

static json byteLevel(bool gpt2Regex) {
  return {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", gpt2Regex}};
}

static json isolated(const char *regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}

static json sequence(json parts) { return {{"type", "Sequence"}, {"pretokenizers", std::move(parts)}}; }

// Llama 3 and Qwen 2 differ only in how many digits stand together.
static const char llama3[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
static const char qwen2[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// llama.cpp's for files that name none: one expression after another, each within the pieces of the one
// before.
static const char *const defaults[] = {
    R"([\p{P}\$\+<=>\^~\|]+)",
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))",
    R"(\p{N}+)",
    "[0-9][0-9][0-9]",
};

GgufPreTokenizer ggufPreTokenizer(const std::string &name, const std::string &where) {
  GgufPreTokenizer result;
  if (name == "gpt-2") {
    result.preTokenizer = byteLevel(true);
  } else if (name == "smollm") {
    result.preTokenizer =
        sequence(json::array({{{"type", "Digits"}, {"individual_digits", true}}, byteLevel(true)}));
  } else if (name == "llama-bpe" || name == "llama3" || name == "llama-v3") {
    result.preTokenizer = sequence(json::array({isolated(llama3), byteLevel(false)}));
    result.ignoreMerges = true;
    result.addsBos = true;
  } else if (name == "qwen2") {
    result.normalizer = {{"type", "NFC"}};
    result.preTokenizer = sequence(json::array({isolated(qwen2), byteLevel(false)}));
  } else if (name == "default" || name.empty()) {
    json parts = json::array();
    for (const char *regex : defaults)
      parts.push_back(isolated(regex));
    parts.push_back(byteLevel(false));
    result.preTokenizer = sequence(std::move(parts));
  } else {
    badInput(where + ": tokenizer.ggml.pre is \"" + name +
             "\"; known are gpt-2, smollm, llama-bpe, qwen2 and default. Give a tokenizer.json instead.");
  }
  return result;
}

} // namespace mlora::tokenization
