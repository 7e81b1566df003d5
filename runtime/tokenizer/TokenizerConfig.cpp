#include "TokenizerConfig.h"

#include "Component.h"
#include "mlora/Runtime/Core/Files.h"

namespace mlora::tokenization {

namespace {

/// "</s>" or {"content": "</s>", …}.
std::optional<std::string> tokenText(const JsonFields &config, const char *key) {
  if (!config.has(key))
    return std::nullopt;
  const nlohmann::json &value = config.raw().at(key);
  return value.is_object() ? config.object(key).string("content") : config.string(key);
}

/// The template, or of several with names the one named "default".
std::string chatTemplateOf(const JsonFields &config) {
  if (!config.has("chat_template"))
    return "";
  if (!config.raw().at("chat_template").is_array())
    return config.string("chat_template");
  for (const JsonFields &named : componentsOf(config, "chat_template"))
    if (named.string("name") == "default")
      return named.string("template");
  return "";
}

} // namespace

TokenizerConfig TokenizerConfig::parse(const JsonFields &config) {
  TokenizerConfig result;
  result.bos = tokenText(config, "bos_token");
  result.eos = tokenText(config, "eos_token");
  result.addBos = config.optionalBoolean("add_bos_token");
  result.chatTemplate = chatTemplateOf(config);
  result.chatTemplateFile = config.where();
  return result;
}

TokenizerConfig TokenizerConfig::read(const std::filesystem::path &folder) {
  auto parsed = [&](const char *name) {
    std::filesystem::path path = folder / name;
    if (!std::filesystem::exists(path))
      return TokenizerConfig();
    return parse(JsonFields(readJsonFile(path), path.string()));
  };
  TokenizerConfig result = parsed("tokenizer_config.json"), map = parsed("special_tokens_map.json");
  if (!result.bos)
    result.bos = map.bos;
  if (!result.eos)
    result.eos = map.eos;
  std::filesystem::path jinja = folder / "chat_template.jinja";
  if (std::filesystem::exists(jinja)) { // transformers prefers it too
    result.chatTemplate = readFile(jinja);
    result.chatTemplateFile = jinja.string();
  }
  return result;
}

} // namespace mlora::tokenization
