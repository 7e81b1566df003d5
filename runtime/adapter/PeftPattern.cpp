// Keys of rank_pattern and alpha_pattern: Python's regular expressions, matched by PCRE2 with a limit.
#include "PeftModules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <memory>
#include <pcre2.h>

namespace mlora {
namespace {

struct Freed {
  void operator()(pcre2_code *code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data *data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context *context) const { pcre2_match_context_free(context); }
};

bool matches(const RowFields &pattern, const std::string &key, const std::string &module) {
  std::string regex = "(?:.*\\.)?(?:" + key + ")$";
  int error = 0;
  PCRE2_SIZE offset = 0;
  std::unique_ptr<pcre2_code, Freed> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(regex.data()), regex.size(),
                    PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr));
  if (!code)
    pattern.refuse(key.c_str(), "is no regular expression: write the module's name or its end");
  std::unique_ptr<pcre2_match_data, Freed> data(pcre2_match_data_create_from_pattern(code.get(), nullptr));
  std::unique_ptr<pcre2_match_context, Freed> context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), 100000);
  int result = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(module.data()), module.size(), 0, 0,
                           data.get(), context.get());
  if (result < 0 && result != PCRE2_ERROR_NOMATCH)
    pattern.refuse(key.c_str(), "is too costly a regular expression: write the module's name or its end");
  return result >= 0;
}

} // namespace

double peftPattern(const RowFields &fields, const char *key, const std::string &module, double otherwise) {
  if (!fields.has(key))
    return otherwise;
  RowFields pattern = fields.object(key);
  for (const auto &[name, ignored] : pattern.raw().items()) // the file's first that matches, as PEFT has it
    if (matches(pattern, name, module))
      return pattern.number(name.c_str());
  return otherwise;
}

} // namespace mlora
