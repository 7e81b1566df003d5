// The block formats of GGUF tensors and the f32 values they stand for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mlora {

/// A tensor type: `blockValues` consecutive values of a row are stored in `blockBytes` bytes.
struct GgufType {
  uint32_t id;
  const char *name;
  int64_t blockValues, blockBytes;
  /// Writes blocks * blockValues values. Bit for bit what ggml's reference gives.
  void (*decode)(const uint8_t *data, int64_t blocks, float *out);
};

/// The type of an id; null for one that is not read.
const GgufType *findGgufType(uint32_t id);
/// By name ("Q8_0"); null for one that is not read.
const GgufType *findGgufType(std::string_view name);

/// ggml's name of an id, also of types that are not read; "type 99" for an unknown one.
std::string ggufTypeName(uint32_t id);

} // namespace mlora
