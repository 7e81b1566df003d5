#define PCRE2_CODE_UNIT_WIDTH 8
#include "Regex.h"

#include "Utf8.h"
#include "mlora/Runtime/Core/Error.h"

#include <pcre2.h>

namespace mlora::tokenization {

namespace {

// A tokenizer's expression needs a few steps per character; one that needs this many between two matches is
// exponential, and is refused rather than waited for.
constexpr uint32_t matchLimit = 50'000'000;
constexpr size_t jitStackStart = 32 << 10, jitStackLimit = 8 << 20;

std::string messageOf(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char *>(text);
}

/// What one thread needs while matching. Reused, since it is costlier than most matches.
struct Scratch {
  Scratch()
      : data(pcre2_match_data_create(1, nullptr)), context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(jitStackStart, jitStackLimit, nullptr)) {
    if (!data || !context || !stack)
      failed("out of memory for a regular expression");
    pcre2_set_match_limit(context, matchLimit);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~Scratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  pcre2_match_data *data;
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
};

} // namespace

void Regex::Free::operator()(pcre2_real_code_8 *code) const { pcre2_code_free(code); }

Regex::Regex(const std::string &pattern, const std::string &where) : where(where) {
  std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(),
                    PCRE2_NEWLINE_LF); // what `.`, `^` and `$` mean must not depend on the build
  int error = 0;
  PCRE2_SIZE offset = 0;
  code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                           PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                           context.get()));
  if (!code)
    badInput(where + ": the regular expression " + pattern + " cannot be read at byte " +
             std::to_string(offset) + ": " + messageOf(error));
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE); // without JIT it is slower, no more
}

std::vector<Range> Regex::matches(std::string_view subject) const {
  static thread_local Scratch scratch;
  std::vector<Range> result;
  for (size_t from = 0; from <= subject.size();) {
    int status = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), from,
                             PCRE2_NO_UTF_CHECK, scratch.data, scratch.context);
    if (status == PCRE2_ERROR_NOMATCH)
      break;
    if (status < 0)
      badInput(where + ": a regular expression gave up on the text (" + messageOf(status) + ")");
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(scratch.data);
    Range match{offsets[0], offsets[1]};
    bool emptyAfterMatch = match.begin == match.end && !result.empty() && result.back().end == match.end;
    if (!emptyAfterMatch) {
      result.push_back(match);
      from = match.end;
    } else if (from < subject.size()) {
      nextCodepoint(subject, from);
    } else {
      break;
    }
  }
  return result;
}

} // namespace mlora::tokenization
