#include "mlora/Runtime/Tokenizer/Bos.h"

namespace mlora {

std::vector<int32_t> encodeWithBos(const Tokenizer &tokenizer, std::string_view text) {
  std::vector<int32_t> ids = tokenizer.encode(text);
  if (auto bos = tokenizer.bos(); bos && tokenizer.addsBos() && (ids.empty() || ids.front() != *bos))
    ids.insert(ids.begin(), *bos);
  return ids;
}

void dropLeft(const Tokenizer &tokenizer, std::vector<int32_t> &ids, int64_t count) {
  bool behindBos = tokenizer.bos() && !ids.empty() && ids.front() == *tokenizer.bos();
  auto from = ids.begin() + behindBos;
  ids.erase(from, from + ptrdiff_t(count));
}

} // namespace mlora
