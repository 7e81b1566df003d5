// A checkpoint on disk, seen as Hugging Face tensors whatever its container is.
#pragma once

#include "mlora/Runtime/Model/ModelConfig.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlora {

struct TensorInfo {
  std::string name;           ///< Hugging Face's name
  std::vector<int64_t> shape; ///< outermost first
  std::string dtype;          ///< as stored: "F32", "BF16", "Q4_1", …
};

/// Where a tensor's bytes lie, for those who stream them.
struct StoredTensor : TensorInfo { ///< shape and dtype as stored
  std::string storedName;          ///< in the file; `name` is Hugging Face's, empty where it has none
  std::filesystem::path file;
  uint64_t offset = 0, bytes = 0; ///< from the start of the file
  bool neighbours = false;        ///< rows of each head in GGUF's rotary order: (2j, 2j + 1) turn together
};

/// One file of weights as it lies on disk.
struct StoredFile {
  std::filesystem::path path;
  std::map<std::string, std::string> metadata; ///< safetensors' `__metadata__`
  std::vector<StoredTensor> tensors;           ///< by offset
};

/// A HF folder (model.safetensors, or shards with an index) or a .gguf file. Opening checks every tensor that
/// the configuration implies: missing, unexpected and wrongly shaped ones are errors that name tensor and
/// file. Rows of q_proj and k_proj of a GGUF file are given in HF's rotary order (halves).
class Checkpoint {
public:
  static std::unique_ptr<Checkpoint> open(const std::filesystem::path &path);
  /// Random weights of a configuration (norms are ones), the same ones every time: a config.json, its folder,
  /// or the metadata of a .gguf file.
  static std::unique_ptr<Checkpoint> random(const std::filesystem::path &path);
  virtual ~Checkpoint() = default;

  virtual const ModelConfig &config() const = 0;
  virtual const std::filesystem::path &path() const = 0;
  /// In HF's usual order: embed_tokens, layers, norm, lm_head (absent when tied).
  virtual const std::vector<TensorInfo> &tensors() const = 0;
  /// Values of rows [firstRow, firstRow + rows) of a tensor (a vector is one row per element), as f32 into
  /// `out`.
  virtual void readRows(const std::string &name, int64_t firstRow, int64_t rows,
                        std::span<float> out) const = 0;
  /// Rows of a matrix as they are stored, blocks of its dtype (BlockFormats.h) one behind another, into `out`. Throws
  /// Error(Failed) where there are no such rows, or of another size.
  virtual void readBlocks(const std::string &name, int64_t firstRow, int64_t rows,
                          std::span<uint8_t> out) const;
  /// A whole tensor; its file pages are released afterwards, so that one copy stays resident.
  virtual void read(const std::string &name, std::span<float> out) const = 0;
  /// The files behind, with every tensor in them (also those that a model is read without). Throws where
  /// there are none.
  virtual std::vector<StoredFile> storedFiles() const;
  /// 128-bit content fingerprint, 32 hex digits: names, shapes and sampled bytes of every tensor; equal for a
  /// copy, different for another fine-tuning. Cheap (reads at most some MiB).
  virtual std::string fingerprint() const = 0;
};

/// Values of a block of stored bytes: `count` of them, whole blocks of the type. `dtype` is that of a
/// TensorInfo.
void decodeStored(const std::string &dtype, const uint8_t *bytes, int64_t count, float *out);

/// Bytes of `count` values stored as `dtype`.
uint64_t storedSize(const std::string &dtype, int64_t count);

} // namespace mlora
