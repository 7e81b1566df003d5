// An adapter's updates one projection at a time, read from its files when they are asked for: merging or
// exporting needs no more of an adapter in memory than that.
#pragma once

#include "mlora/Runtime/Adapter/Adapter.h"

#include <memory>

namespace mlora {

/// ΔW = b · a with every factor (alpha / rank, s) folded into b, the branches' a stacked.
struct LowRank {
  int64_t rank = 0;
  std::vector<float> a; ///< [rank, in]
  std::vector<float> b; ///< [out, rank]
};

class AdapterSource {
public:
  /// An adapter folder, ours or PEFT's, as readAdapter reads it; a folder that has both is ours. Every shape
  /// is checked against the model. Throws Error(BadInput).
  static std::unique_ptr<AdapterSource> open(const std::filesystem::path &folder, const ModelConfig &config);
  /// The same without a model: shapes are not checked.
  static std::unique_ptr<AdapterSource> open(const std::filesystem::path &folder);
  /// An adapter in memory, which must outlive the result.
  static std::unique_ptr<AdapterSource> of(const Adapter &adapter, const ModelConfig &config);
  /// What several adapters of one model do together: their a stacked, their b side by side. They must outlive
  /// the result, which names no base.
  static std::unique_ptr<AdapterSource> sum(std::vector<const AdapterSource *> adapters);
  virtual ~AdapterSource() = default;

  /// Rank of the update of one projection, 0 where there is none.
  virtual int64_t rank(int64_t layer, const std::string &target) const = 0;
  virtual LowRank factors(int64_t layer, const std::string &target) const = 0;
  /// Of names, shapes and sampled values: what tells this adapter from a later save into the same folder.
  virtual std::string fingerprint() const = 0;

  /// ‖ΔW‖ of one projection.
  double updateNorm(int64_t layer, const std::string &target) const;
  /// The largest rank of any projection.
  int64_t largestRank() const;
  /// Projections with an update in some layer, in a layer's order.
  std::vector<std::string> targets() const;

  const std::string &where() const { return place; } ///< for messages
  const std::string &baseModel() const { return base; }
  const std::string &baseFingerprint() const { return baseHash; } ///< empty: unknown
  int64_t numLayers() const { return layers; }

protected:
  std::string place, base, baseHash;
  int64_t layers = 0;
};

} // namespace mlora
