// vprintf: a format, and a buffer in which each argument lies where its type wants it.
#include "Operations.h"

#include <bit>
#include <cctype>
#include <cstdio>

namespace mlora::emulator {
namespace {

constexpr size_t kLongest = 4096; ///< of a format or a text that ends nowhere

class Printer {
public:
  Printer(ThreadContext *context, uint32_t site, uint64_t arguments)
      : context(context), site(site), arguments(arguments) {}

  std::string text(uint64_t address) {
    std::string found;
    while (found.size() < kLongest) {
      char c = read<char>(address + found.size());
      if (!c)
        break;
      found += c;
    }
    return found;
  }

  std::string print(const std::string &format) {
    std::string out;
    for (size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%') {
        out += format[i];
        continue;
      }
      if (i + 1 < format.size() && format[i + 1] == '%') {
        out += format[++i];
        continue;
      }
      std::string flags = "%";
      bool isLong = false;
      for (++i; i < format.size() && !std::isalpha(static_cast<unsigned char>(format[i])); ++i)
        flags += format[i];
      for (; i < format.size() && (format[i] == 'l' || format[i] == 'h' || format[i] == 'z'); ++i)
        isLong |= format[i] != 'h';
      if (i < format.size())
        out += one(flags, format[i], isLong);
    }
    return out;
  }

private:
  template <typename T> T read(uint64_t address) {
    uint32_t access = Access::encode(sizeof(T), std::countr_zero(sizeof(T)), Access::Read);
    T value;
    std::memcpy(&value, resolveAddress(context, address, access, site), sizeof value);
    return value;
  }
  template <typename T> T next() {
    used = (used + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    used += sizeof(T);
    return read<T>(arguments + used - sizeof(T));
  }
  template <typename T> static std::string with(const std::string &format, T value) {
    char text[512];
    std::snprintf(text, sizeof text, format.c_str(), value);
    return text;
  }
  std::string one(const std::string &flags, char kind, bool isLong) {
    if (flags.find('*') != std::string::npos)
      threadOf(context).block->fault(threadOf(context), site, "invalid format",
                                     "the format has a width or precision '*', which is not built yet");
    switch (kind) {
    case 'd':
    case 'i':
      return isLong ? with(flags + "lld", (long long)next<int64_t>()) : with(flags + "d", next<int32_t>());
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      return isLong ? with(flags + "ll" + kind, (unsigned long long)next<uint64_t>())
                    : with(flags + kind, next<uint32_t>());
    case 'c':
      return with(flags + kind, next<int32_t>());
    case 'p':
      return "0x" + with(flags + "llx", (unsigned long long)next<uint64_t>());
    case 's':
      return with(flags + kind, text(next<uint64_t>()).c_str());
    default:
      if (std::string("eEfFgGaA").find(kind) != std::string::npos)
        return with(flags + kind, next<double>());
      threadOf(context).block->fault(threadOf(context), site, "invalid format",
                                     std::string("the format has a conversion '") + kind + "'");
    }
  }

  ThreadContext *context;
  uint32_t site;
  uint64_t arguments;
  size_t used = 0; ///< bytes of the arguments
};

} // namespace

void runPrint(ThreadContext *context, uint32_t site, const uint64_t *in, uint64_t *out) {
  Printer printer(context, site, in[1]);
  std::string text = printer.print(printer.text(in[0]));
  const Launch &launch = threadOf(context).block->launch;
  if (launch.print)
    launch.print(text);
  out[0] = text.size();
}

} // namespace mlora::emulator
