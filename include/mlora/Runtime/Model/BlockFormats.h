// The stored types of GGUF tensors that compiled programs read as they are. Compiler and runtime agree by
// this list; what the types mean is in GgufTypes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mlora {

/// `values` consecutive values of a row are stored in `bytes` bytes.
struct BlockFormat {
  std::string_view name; ///< as GGUF calls it
  int64_t values, bytes;
};

inline constexpr std::array<BlockFormat, 10> blockFormats = {{{"F16", 16, 32},
                                                              {"BF16", 16, 32},
                                                              {"Q4_0", 32, 18},
                                                              {"Q4_1", 32, 20},
                                                              {"Q5_0", 32, 22},
                                                              {"Q5_1", 32, 24},
                                                              {"Q8_0", 32, 34},
                                                              {"Q4_K", 256, 144},
                                                              {"Q5_K", 256, 176},
                                                              {"Q6_K", 256, 210}}};

/// Null for a type that programs do not read.
constexpr const BlockFormat *findBlockFormat(std::string_view name) {
  for (const BlockFormat &format : blockFormats)
    if (format.name == name)
      return &format;
  return nullptr;
}

} // namespace mlora
