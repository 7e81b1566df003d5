#include "mlora/Runtime/Model/GgufWriter.h"

#include "mlora/Runtime/Core/Error.h"

#include <cstring>

namespace mlora {
namespace {

// Types of metadata as the file numbers them.
enum : uint32_t { U32 = 4, I32 = 5, F32 = 6, Bool = 7, String = 8, Array = 9, U64 = 10 };

template <typename T> void put(std::string &bytes, T value) {
  bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
}

void putText(std::string &bytes, const std::string &text) {
  put(bytes, static_cast<uint64_t>(text.size()));
  bytes += text;
}

struct Putter {
  std::string &bytes;

  void operator()(bool value) const { scalar(Bool, static_cast<uint8_t>(value)); }
  void operator()(uint32_t value) const { scalar(U32, value); }
  void operator()(int32_t value) const { scalar(I32, value); }
  void operator()(uint64_t value) const { scalar(U64, value); }
  void operator()(float value) const { scalar(F32, value); }
  void operator()(const std::string &value) const {
    put(bytes, uint32_t(String));
    putText(bytes, value);
  }
  void operator()(const std::vector<int32_t> &values) const { array(I32, values); }
  void operator()(const std::vector<float> &values) const { array(F32, values); }
  void operator()(const std::vector<std::string> &values) const {
    arrayHead(String, values.size());
    for (const std::string &value : values)
      putText(bytes, value);
  }

private:
  template <typename T> void scalar(uint32_t type, T value) const {
    put(bytes, type);
    put(bytes, value);
  }
  void arrayHead(uint32_t type, size_t count) const {
    put(bytes, uint32_t(Array));
    put(bytes, type);
    put(bytes, static_cast<uint64_t>(count));
  }
  template <typename T> void array(uint32_t type, const std::vector<T> &values) const {
    arrayHead(type, values.size());
    bytes.append(reinterpret_cast<const char *>(values.data()), sizeof(T) * values.size());
  }
};

uint64_t padded(uint64_t size) {
  return (size + GgufHead::alignment - 1) / GgufHead::alignment * GgufHead::alignment;
}

} // namespace

void GgufHead::add(const std::string &key, const GgufField &value) {
  putText(pairs, key);
  std::visit(Putter{pairs}, value);
  ++pairCount;
}

void GgufHead::addRaw(std::string_view pair) {
  pairs += pair;
  ++pairCount;
}

uint64_t GgufHead::addTensor(const std::string &name, const std::vector<int64_t> &shape, uint32_t type,
                             uint64_t bytes) {
  if (name.size() > 63)
    failed("the tensor '" + name + "' cannot be written: names in GGUF have fewer than 64 bytes");
  putText(infos, name);
  put(infos, static_cast<uint32_t>(shape.size()));
  for (size_t i = shape.size(); i--;)
    put(infos, static_cast<uint64_t>(shape[i]));
  put(infos, type);
  put(infos, next);
  uint64_t place = next;
  next = padded(next + bytes);
  ++tensorCount;
  return place;
}

std::string GgufHead::bytes() const {
  std::string head = "GGUF";
  put(head, uint32_t(3));
  put(head, tensorCount);
  put(head, pairCount);
  head += pairs + infos;
  head.resize(padded(head.size()), '\0');
  return head;
}

} // namespace mlora
