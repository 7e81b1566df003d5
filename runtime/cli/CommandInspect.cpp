// `mlora-run inspect`: what a checkpoint, adapter, tokenizer or bundle holds.
#include "mlora/Runtime/Adapter/Inspect.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Visible.h"
#include "mlora/Runtime/Tokenizer/Tokenizer.h"

#include <cstdio>
#include <filesystem>

namespace fs = std::filesystem;

namespace mlora {
namespace {

/// As JSON; what is no UTF-8 becomes U+FFFD.
std::string dumped(const nlohmann::ordered_json &json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// Two columns; what is nested is indented, long lists are cut.
void print(const nlohmann::ordered_json &json, int indent) {
  constexpr size_t shown = 24;
  size_t count = 0;
  for (auto &[key, value] : json.items()) {
    if (++count > shown) {
      std::printf("%*s… %zu more (--json prints all)\n", indent, "", json.size() - shown);
      return;
    }
    std::string name = json.is_array() ? "-" : visible(key);
    if (value.is_structured() && dumped(value).size() > 80) {
      std::printf("%*s%s\n", indent, "", name.c_str());
      print(value, indent + 2);
    } else {
      std::printf("%*s%-*s %s\n", indent, "", 26 - indent, name.c_str(),
                  visible(value.is_string() ? value.get<std::string>() : dumped(value)).c_str());
    }
  }
}

nlohmann::ordered_json inspectTokenizer(const fs::path &path) {
  auto tokenizer = Tokenizer::open(path);
  fs::path file = fs::is_directory(path) ? path / "tokenizer.json" : path;
  nlohmann::ordered_json json = {{"kind", "tokenizer"},
                                 {"path", path.string()},
                                 {"fingerprint", hashFileHex(file)},
                                 {"vocab_size", tokenizer->vocabSize()}};
  auto token = [&](const char *name, std::optional<int32_t> id) {
    json[name] = id ? nlohmann::ordered_json{{"id", *id}, {"text", tokenizer->piece(*id)}} : nullptr;
  };
  token("bos", tokenizer->bos());
  token("eos", tokenizer->eos());
  json["adds_bos"] = tokenizer->addsBos();
  json["chat_template"] = !tokenizer->chatTemplate().empty();
  return json;
}

/// A tokenizer by itself: what lies beside a model is part of the model's folder.
bool isTokenizer(const fs::path &path) {
  if (!fs::is_directory(path))
    return path.filename() == "tokenizer.json";
  for (const char *other : {"config.json", "adapter_config.json", "mlora_config.json", "manifest.json"})
    if (fs::exists(path / other))
      return false;
  return fs::exists(path / "tokenizer.json");
}

nlohmann::ordered_json inspected(const Arguments &arguments) {
  const Config &config = arguments.config;
  if (arguments.words.empty() && !config.tokenizer.empty())
    return inspectTokenizer(config.tokenizer);
  std::string path = !arguments.words.empty()  ? arguments.words.front()
                     : !config.adapter.empty() ? config.adapter
                                               : config.model;
  if (path.empty())
    badInput("inspect needs a path: `mlora-run inspect FOLDER-OR-FILE`");
  return isTokenizer(path) ? inspectTokenizer(path) : inspect(path);
}

} // namespace

int runInspect(Arguments &arguments) {
  nlohmann::ordered_json json = inspected(arguments);
  if (arguments.config.json)
    std::printf("%s\n", dumped(json, 2).c_str());
  else
    print(json, 0);
  return 0;
}

} // namespace mlora
