// The safetensors container: a strict reader and a reproducible writer (FORMATS section 2).
#pragma once

#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/MappedFile.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace mlora {

/// One tensor of a file: its name, "F32" or the like, and its shape, outermost first.
struct SafetensorsSpec {
  std::string name, dtype;
  std::vector<int64_t> shape;
};

/// A tensor's place: bytes [begin, end) of the data section.
struct SafetensorsEntry : SafetensorsSpec {
  uint64_t begin = 0, end = 0;
  int64_t elements() const;
};

/// Bytes of one element of a dtype, 0 for an unknown one.
uint64_t safetensorsElementSize(const std::string &dtype);

/// Opening checks everything: header length, JSON, duplicate keys, that the tensors tile the data exactly and
/// that their sizes are those of shape and dtype. Every message names file and tensor.
class SafetensorsFile {
public:
  explicit SafetensorsFile(const std::filesystem::path &path);

  const std::filesystem::path &path() const { return file.path(); }
  /// By offset.
  const std::vector<SafetensorsEntry> &tensors() const { return entries; }
  const std::map<std::string, std::string> &metadata() const { return pairs; }
  const SafetensorsEntry *find(const std::string &name) const;
  /// Throws Error(BadInput) when there is no such tensor.
  const SafetensorsEntry &get(const std::string &name) const;

  std::span<const uint8_t> bytes(const SafetensorsEntry &entry) const;
  /// Of the tensor's first byte, from the start of the file.
  uint64_t offset(const SafetensorsEntry &entry) const { return dataBegin + entry.begin; }
  /// Elements [first, first + out.size()) of an F32, F16, BF16 or F64 tensor.
  void readFloats(const SafetensorsEntry &entry, int64_t first, std::span<float> out) const;
  std::vector<float> floats(const std::string &name) const;
  /// Elements of an integer tensor of any width, or BOOL.
  std::vector<int64_t> integers(const std::string &name) const;
  /// Gives back the file pages of elements [first, first + count).
  void release(const SafetensorsEntry &entry, int64_t first, int64_t count) const;

private:
  void parseHeader();
  void checkTiling() const;
  MappedFile file;
  uint64_t dataBegin = 0;
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, size_t> byName;
  std::map<std::string, std::string> pairs;
};

/// Writes a file aside, tensor after tensor; commit() puts it into place. The same tensors give the same
/// bytes: larger elements first, then by name, header padded to 8 bytes.
class SafetensorsWriter {
public:
  SafetensorsWriter(const std::filesystem::path &path, std::vector<SafetensorsSpec> tensors,
                    const std::map<std::string, std::string> &metadata = {{"format", "pt"}});

  /// The order in which the values must be given, whole tensors one after another.
  const std::vector<SafetensorsSpec> &order() const { return specs; }
  void write(const void *data, size_t size) { file.write(data, size); }
  /// Throws when fewer or more bytes were given than the header says.
  void commit();

private:
  std::vector<SafetensorsSpec> specs;
  uint64_t total = 0;
  AtomicFile file;
};

/// A tensor in memory, for small files.
struct SafetensorsValue : SafetensorsSpec {
  const void *data = nullptr;
};

void writeSafetensors(const std::filesystem::path &path, std::vector<SafetensorsValue> tensors,
                      const std::map<std::string, std::string> &metadata = {{"format", "pt"}});

} // namespace mlora
