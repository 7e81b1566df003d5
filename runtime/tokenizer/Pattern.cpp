#include "Pattern.h"

#include "Component.h"
#include "Oniguruma.h"

namespace mlora::tokenization {

Pattern::Pattern(const JsonFields &component, const char *key) {
  JsonFields fields = component.object(key);
  allowOnly(fields, {"String", "Regex"});
  if (fields.has("String") == fields.has("Regex"))
    badInput(fields.where() + ": exactly one of \"String\" and \"Regex\" is expected");
  if (fields.has("String"))
    literal = fields.string("String");
  else
    regex.emplace(pcreOfOniguruma(fields.string("Regex"), fields.where()), fields.where());
}

std::vector<Range> Pattern::matches(std::string_view text) const {
  if (regex)
    return regex->matches(text);
  std::vector<Range> result;
  if (literal.empty())
    return result;
  for (size_t at = text.find(literal); at != text.npos; at = text.find(literal, at + literal.size()))
    result.push_back({at, at + literal.size()});
  return result;
}

std::string Pattern::replaced(std::string_view text, std::string_view content) const {
  std::string result;
  size_t done = 0;
  for (Range match : matches(text)) {
    result += text.substr(done, match.begin - done);
    result += content;
    done = match.end;
  }
  result += text.substr(done);
  return result;
}

} // namespace mlora::tokenization
