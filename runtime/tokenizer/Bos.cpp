#include "mlora/Runtime/Tokenizer/Bos.h"

namespace mlora {

std::vector<int32_t> encodeWithBos(const Tokenizer &tokenizer, std::string_view text) {
  std::vector<int32_t> ids = tokenizer.encode(text);
  if (auto bos = tokenizer.bos(); bos && tokenizer.addsBos() && (ids.empty() || ids.front() != *bos))
    ids.insert(ids.begin(), *bos);
  return ids;
}

} // namespace mlora
