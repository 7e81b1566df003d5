// Header, metadata and tensor list of a GGUF file, every length checked before it is believed.
#pragma once

#include "mlora/Runtime/Model/Gguf.h"

#include <set>

namespace mlora {

class GgufParser {
public:
  explicit GgufParser(const MappedFile &file) : file(file), where(file.path().string()) {}
  /// Fills `pairs` and `tensors` or throws Error(BadInput).
  void parse();

  std::map<std::string, GgufValue> pairs;
  std::vector<GgufRawPair> rawPairs; ///< in file order
  std::vector<GgufTensor> tensors;

private:
  void parseHeader();
  void checkPrintable(const std::string &name, const char *what) const;
  void parsePair();
  void parseTensor();
  void placeTensors();

  GgufValue value(uint32_t type, const std::string &key);
  GgufValue array(const std::string &key);
  template <typename T, typename Read> std::vector<T> elements(uint64_t count, uint64_t smallest, Read read);

  const uint8_t *take(uint64_t size, const char *what);
  template <typename T> T number(const char *what);
  std::string string(const char *what);
  int64_t unsigned64(const std::string &key);

  const MappedFile &file;
  std::string where;
  uint64_t position = 0, tensorCount = 0, pairCount = 0;
  std::vector<uint64_t> offsets; ///< as the file says, in the data section
  std::set<std::string> names;
};

} // namespace mlora
