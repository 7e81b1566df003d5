#include "PostProcessor.h"

#include "Component.h"

namespace mlora::tokenization {

static std::optional<int32_t> bosOfTemplate(const JsonFields &component) {
  allowOnly(component, {"type", "single", "pair", "special_tokens"});
  std::vector<JsonFields> before;
  bool found = false;
  for (const JsonFields &element : componentsOf(component, "single")) {
    allowOnly(element, {"SpecialToken", "Sequence"});
    found = element.has("Sequence");
    if (found)
      break;
    before.push_back(element.object("SpecialToken"));
  }
  if (!found || before.size() > 1)
    component.refuse("single", "at most one special token before the sequence is supported");
  if (before.empty())
    return std::nullopt;
  JsonFields token = component.object("special_tokens").object(before[0].string("id").c_str());
  const nlohmann::json ids = token.raw().value("ids", nlohmann::json());
  if (!ids.is_array() || ids.size() != 1 || !ids[0].is_number_integer() || ids[0] < 0 || ids[0] > INT32_MAX)
    token.refuse("ids", "one id is expected");
  return ids[0].get<int32_t>();
}

std::optional<int32_t> templateBos(const JsonFields &component) {
  std::string type = component.string("type");
  if (type == "TemplateProcessing")
    return bosOfTemplate(component);
  if (type == "ByteLevel")
    return std::nullopt;
  if (type != "Sequence")
    refuseType(component, "TemplateProcessing, ByteLevel and Sequence");
  std::optional<int32_t> bos;
  for (const JsonFields &part : componentsOf(component, "processors")) {
    auto found = templateBos(part);
    if (found && bos)
      component.refuse("processors", "only one template that puts a token in front is supported");
    bos = found ? found : bos;
  }
  return bos;
}

} // namespace mlora::tokenization
