// What the two kinds of checkpoint share: the list of tensors, whole reads in pieces, the fingerprint.
#pragma once

#include "mlora/Runtime/Model/Checkpoint.h"

#include <map>

namespace mlora {

class CheckpointBase : public Checkpoint {
public:
  const ModelConfig &config() const override { return model; }
  const std::filesystem::path &path() const override { return location; }
  const std::vector<TensorInfo> &tensors() const override { return infos; }
  void readRows(const std::string &name, int64_t firstRow, int64_t rows, std::span<float> out) const override;
  void readBlocks(const std::string &name, int64_t firstRow, int64_t rows,
                  std::span<uint8_t> out) const override;
  void read(const std::string &name, std::span<float> out) const override;
  std::string fingerprint() const override;

protected:
  CheckpointBase(std::filesystem::path location, ModelConfig model)
      : location(std::move(location)), model(std::move(model)) {}

  /// Stored bytes of tensor `index` of tensors().
  virtual std::span<const uint8_t> storedBytes(size_t index) const = 0;
  /// Values of rows, then their file pages given back. A vector has one element per row.
  virtual void decodeRows(size_t index, int64_t firstRow, int64_t rows, float *out) const = 0;
  virtual void releaseAll(size_t index) const = 0;
  /// Stored rows of a matrix, checked before; false where rows are not stored by blocks.
  virtual bool copyBlocks(size_t, int64_t, int64_t, std::span<uint8_t>) const { return false; }

  /// To be called once `infos` is filled.
  void indexNames();
  [[noreturn]] void missing(const std::string &file, const std::string &tensor) const;

  std::filesystem::path location;
  ModelConfig model;
  std::vector<TensorInfo> infos;

private:
  size_t indexOf(const std::string &name) const;
  std::map<std::string, size_t> byName;
};

std::unique_ptr<Checkpoint> openHuggingFace(const std::filesystem::path &folder);
std::unique_ptr<Checkpoint> openGguf(const std::filesystem::path &path);

/// Throws unless `found` is the shape that the configuration implies.
void checkShape(const std::string &file, const std::string &tensor, const std::vector<int64_t> &found,
                const std::vector<int64_t> &expected);

} // namespace mlora
