// manifest.json of a bundle, parsed and checked: whoever holds a Manifest may follow every index in it, and
// every offset inside its region, without looking again. Nothing in it depends on a number of rows (Layout).
#pragma once

#include "mlora/Runtime/Program/Scalars.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace mlora {

/// What a buffer is for (docs/architecture.md, "Bundle").
enum class Role {
  Input,
  Weight,
  Parameter,
  Gradient,
  Moment1,
  Moment2,
  Factor,
  Residual,
  Temporary,
  Cache,
  Output,
};
std::string_view roleName(Role role);

/// I8: bytes of blocks of a weight.
enum class ElementType { F32, I32, BF16, I8 };
inline int64_t bytesOf(ElementType type) {
  return type == ElementType::I8 ? 1 : type == ElementType::BF16 ? 2 : 4;
}

/// A tensor of an adapter's (or checkpoint's) file as a strided part of a buffer's slot; lengths in
/// elements.
struct ParameterView {
  std::string name; ///< `{layer}` stands for the slot
  int buffer = 0;   ///< of a parameter
  int64_t offset = 0;
  std::vector<int64_t> shape, strides;
};

/// The region of what lives inside loops over chunks of counted rows: with the capacity of a chunk.
inline constexpr int chunkRegion = LinearBytes::extents;
inline constexpr int regionCount = LinearBytes::extents + 1; ///< beside the fixed one

/// `slots` copies of a tensor, `slotBytes` apart, at `offset` of a region of the arena: bytes in the fixed
/// one, in another's bytes a row of its capacity.
struct Buffer {
  std::string name;
  Role role;
  ElementType type;
  std::vector<Extent> shape;
  int region = -1; ///< that of the scalar of this index, -1: the fixed one, chunkRegion
  int64_t slots = 1, slotBytes = 0, offset = 0;
  bool packed = false;                ///< slots lie back to back: a kernel may take all of them as one tensor
  std::vector<ParameterView> tensors; ///< of a weight: the checkpoint's that it holds
  std::string format;                 ///< of a weight of bytes: its blocks', as GGUF calls them
  int of = -1;                        ///< of a gradient or moment: index of its parameter

  bool isStatic() const;
  /// Elements of a slot's tensor; `capacity` stands for the extents that are not static.
  int64_t elements(const Scalars &capacity) const;
  std::vector<int64_t> staticShape() const;
};

struct GridDimension {
  Extent extent;
  int64_t block = 1;
};

/// y[m, n] = Σ_k a[m, k]·w[n, k], or transposed Σ_k a[m, k]·w[k, n], by a library. All by rows, leading
/// dimensions in elements; of a, w and y only these rows and columns are used. Sums are in f32.
struct LibraryProduct {
  Extent m;
  int64_t n = 0, k = 0, lda = 0, ldw = 0, ldy = 0;
  ElementType type = ElementType::F32; ///< of a and w
  bool isTransposed = false;
  ElementType resultType = ElementType::F32; ///< of y: the same, or f32
};

/// What a launch encodes of one of its buffers, rows of `columns` bf16 elements, for tensor copies: a
/// parameter behind the scratch pointer.
struct TensorMap {
  int argument = 0; ///< its place among the kernel's parameters
  int buffer = 0;   ///< the launch's argument that it is a map of
  Extent rows;
  int64_t columns = 0, boxRows = 0, boxColumns = 0;
  int64_t swizzle = 0; ///< bytes of its span; 0: none
};

struct Kernel {
  std::string name, symbol, doc;
  std::vector<GridDimension> grid;
  double flopsPerRow =
      0; ///< for reports: operations per row of the first run-time extent of the grid, else of `rows`
  double flopsPerPair =
      0;             ///< for reports: operations per pair of a query row and a key row that it attends to
  LinearBytes bytes; ///< for reports: its operands and results, each once
  std::optional<LibraryProduct> library; ///< instead of a symbol; its arguments are a, w and y
  // Of a GPU's kernel.
  int64_t threads = 0, sharedBytes = 0, scratchBytes = 0; ///< of a block; scratch is global memory
  std::vector<TensorMap> tensorMaps;                      ///< in the order of its parameters
  std::string schedule; ///< how its work is cut and where its operands are; general: for every shape

  /// The product of ceil(extent / block).
  int64_t blocks(const Scalars &scalars) const;
};

/// Buffer `buffer`, slot (slot + layer * l + plus) mod slots, l being the layer of the loop around; or all of
/// its slots, from the first on.
struct Argument {
  int buffer = 0;
  int64_t slot = 0, layer = 0, plus = 0;
  bool isAll = false;
};

struct Launch {
  int kernel = 0;
  std::vector<Argument> arguments;
};

/// Launches for l = from, from + step, …: `to` is exclusive upward, inclusive downward. A launch outside any
/// loop is a command of one layer, 0. In chunks it runs once for each chunk of counted rows instead: launches
/// see as counted_rows the chunk's, and of buffers of counted_rows what lies from the chunk's first row on.
struct CommandLoop {
  int64_t from = 0, to = 1, step = 1;
  bool inChunks = false;
  std::vector<Launch> body;

  /// The layers in the order in which they run.
  std::vector<int64_t> layers() const;
};

struct Section {
  std::string name;
  std::vector<CommandLoop> commands;
};

struct Manifest {
  std::string kind, target, compiler, cpu;
  std::string sharedObject, sharedObjectHash; ///< targets cpu and emulate
  std::string ptx, ptxHash;                   ///< target cuda
  std::string cubin, cubinHash; ///< machine code of that PTX for `chip` itself, by ptxas; empty: none
  std::string chip; ///< what a GPU's kernels are made for; empty: for any, which target cuda has not
  nlohmann::json request, model;
  nlohmann::json emulator; ///< target emulate: what its messages and constants need
  LinearBytes arena;       ///< its regions, in this order: fixed, then one an extent, then that of chunks
  int64_t chunkBytes = 0;  ///< of the region of chunks, a row of a chunk
  int64_t chunkRows = 0;   ///< of a chunk at most; 0: no loop over chunks
  int64_t scratchBytes = 0;
  std::vector<Buffer> buffers;
  std::vector<Kernel> kernels;
  std::vector<Section> sections;
  std::vector<ParameterView> parameters;

  /// Throws Error(BadInput) that names `where` and what does not fit.
  static Manifest parse(const nlohmann::json &json, const std::string &where);
  static Manifest read(const std::filesystem::path &path);

  /// Bytes of a region a row of its capacity.
  int64_t regionBytes(int region) const {
    return region == chunkRegion ? chunkBytes : arena.perRow[size_t(region)];
  }
  /// Index of the buffer of that name and role, -1 when there is none.
  int find(std::string_view name, Role role) const;
  const Section *findSection(std::string_view name) const;
};

/// `{layer}` in a name replaced by a number.
std::string layerName(const std::string &pattern, int64_t layer);
inline bool namesLayer(const std::string &pattern) { return pattern.find("{layer}") != std::string::npos; }

} // namespace mlora
