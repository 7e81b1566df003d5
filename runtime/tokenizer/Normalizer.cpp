#include "Normalizer.h"

#include "Component.h"
#include "Pattern.h"

#include <cstdlib>
#include <utf8proc.h>

namespace mlora::tokenization {

namespace {

class Prepend : public Normalizer {
public:
  explicit Prepend(const JsonFields &component) : prefix(component.string("prepend")) {
    allowOnly(component, {"type", "prepend"});
  }
  std::string apply(std::string text) const override { return text.empty() ? text : prefix + text; }

private:
  std::string prefix;
};

class Replace : public Normalizer {
public:
  explicit Replace(const JsonFields &component)
      : pattern(component, "pattern"), content(component.string("content")) {
    allowOnly(component, {"type", "pattern", "content"});
  }
  std::string apply(std::string text) const override { return pattern.replaced(text, content); }

private:
  Pattern pattern;
  std::string content;
};

/// One of Unicode's four normal forms.
class NormalForm : public Normalizer {
public:
  NormalForm(const JsonFields &component, int options) : options(options | UTF8PROC_STABLE) {
    allowOnly(component, {"type"});
  }

  std::string apply(std::string text) const override {
    utf8proc_uint8_t *mapped = nullptr;
    auto length =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                     static_cast<utf8proc_ssize_t>(text.size()), &mapped, utf8proc_option_t(options));
    std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, std::free);
    if (length < 0)
      failed(std::string("normalising a text failed: ") + utf8proc_errmsg(length));
    return {reinterpret_cast<const char *>(mapped), static_cast<size_t>(length)};
  }

private:
  int options;
};

class Sequence : public Normalizer {
public:
  explicit Sequence(const JsonFields &component) {
    allowOnly(component, {"type", "normalizers"});
    for (const JsonFields &part : componentsOf(component, "normalizers"))
      parts.push_back(parse(part));
  }
  std::string apply(std::string text) const override {
    for (const auto &part : parts)
      text = part->apply(std::move(text));
    return text;
  }

private:
  std::vector<std::unique_ptr<Normalizer>> parts;
};

} // namespace

std::unique_ptr<Normalizer> Normalizer::parse(const JsonFields &component) {
  std::string type = component.string("type");
  if (type == "Prepend")
    return std::make_unique<Prepend>(component);
  if (type == "Replace")
    return std::make_unique<Replace>(component);
  if (type == "NFC")
    return std::make_unique<NormalForm>(component, UTF8PROC_COMPOSE);
  if (type == "NFD")
    return std::make_unique<NormalForm>(component, UTF8PROC_DECOMPOSE);
  if (type == "NFKC")
    return std::make_unique<NormalForm>(component, UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  if (type == "NFKD")
    return std::make_unique<NormalForm>(component, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  if (type == "Sequence")
    return std::make_unique<Sequence>(component);
  refuseType(component, "Prepend, Replace, NFC, NFD, NFKC, NFKD and Sequence");
}

} // namespace mlora::tokenization
