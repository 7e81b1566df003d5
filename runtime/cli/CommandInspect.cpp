// `mlora-run inspect`: what a checkpoint, adapter, tokenizer or bundle holds.
#include "mlora/Runtime/Adapter/Inspect.h"
#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"

#include <cstdio>

namespace mlora {
namespace {

/// Two columns; what is nested is indented, long lists are cut.
void print(const nlohmann::ordered_json &json, int indent) {
  constexpr size_t shown = 24;
  size_t count = 0;
  for (auto &[key, value] : json.items()) {
    if (++count > shown) {
      std::printf("%*s… %zu more (--json prints all)\n", indent, "", json.size() - shown);
      return;
    }
    std::string name = json.is_array() ? "-" : key;
    if (value.is_structured() && value.dump().size() > 80) {
      std::printf("%*s%s\n", indent, "", name.c_str());
      print(value, indent + 2);
    } else {
      std::printf("%*s%-*s %s\n", indent, "", 26 - indent, name.c_str(),
                  value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    }
  }
}

} // namespace

int runInspect(Arguments &arguments) {
  std::string path = !arguments.words.empty() ? arguments.words.front() : arguments.config.model;
  if (path.empty())
    badInput("inspect needs a path: `mlora-run inspect FOLDER-OR-FILE`");
  nlohmann::ordered_json json = inspect(path);
  if (arguments.config.json)
    std::printf("%s\n", json.dump(2).c_str());
  else
    print(json, 0);
  return 0;
}

} // namespace mlora
