#include "mlora/Runtime/Program/Manifest.h"

#include "ManifestChecks.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"

#include <algorithm>
#include <array>

namespace mlora {
namespace {

constexpr std::array<std::string_view, 4> typeNames = {"f32", "i32", "bf16", "i8"};

constexpr std::array<std::string_view, 11> roleNames = {"input",     "weight",  "parameter", "gradient",
                                                        "moment1",   "moment2", "factor",    "residual",
                                                        "temporary", "cache",   "output"};

/// Reads the arrays of a manifest in the order in which later ones refer to earlier ones.
class Parser {
public:
  Parser(const nlohmann::json &json, const std::string &where) : root(json, where) {}

  Manifest parse() {
    if (root.integer("format") != 3)
      root.refuse("format", "only format 3 is understood, not " + std::to_string(root.integer("format")) +
                                ": remove the bundle, so that it is compiled again");
    manifest.kind = root.string("kind");
    manifest.target = root.optionalString("target").value_or("cpu");
    if (manifest.target != "cpu" && manifest.target != "emulate" && manifest.target != "cuda")
      root.refuse("target", "must be cpu, cuda or emulate, not " + manifest.target);
    manifest.emulator = json("emulator");
    manifest.compiler = root.optionalString("compiler").value_or("");
    manifest.cpu = root.optionalString("cpu").value_or("");
    manifest.chip = root.optionalString("chip").value_or("");
    if (manifest.target == "cuda") {
      manifest.ptx = fileName(root, "ptx");
      manifest.ptxHash = root.string("ptx_xxh3");
      if (root.has("cubin"))
        cubin(root.object("cubin"));
      if (manifest.chip.empty())
        root.refuse("chip", "must name what the PTX is for");
    } else {
      manifest.sharedObject = fileName(root, "shared_object");
      manifest.sharedObjectHash = root.string("shared_object_xxh3");
    }
    manifest.request = json("request");
    manifest.model = json("model");
    JsonFields arena = root.object("arena");
    manifest.arena = linear(arena);
    manifest.chunkBytes = sizeOr(arena, "chunk_rows", 0, maxBytes);
    manifest.chunkRows = sizeOr(root, "chunk_rows", 0, maxSlots, capacityStep);
    manifest.scratchBytes = size(root, "scratch_bytes", maxBytes);
    each(root, "buffers", [this](const JsonFields &f) { manifest.buffers.push_back(buffer(f)); });
    each(root, "kernels", [this](const JsonFields &f) { manifest.kernels.push_back(kernel(f)); });
    each(root, "sections", [this](const JsonFields &f) { manifest.sections.push_back(section(f)); });
    if (root.has("parameters"))
      each(root, "parameters", [this](const JsonFields &f) { manifest.parameters.push_back(parameter(f)); });
    checkManifest(manifest, root.where());
    return std::move(manifest);
  }

private:
  // Bounds that keep every product below far from overflow.
  static constexpr int64_t maxBytes = int64_t(1) << 46, maxSlots = 1 << 16;

  nlohmann::json json(const char *key) const { return root.raw().value(key, nlohmann::json()); }

  static std::string fileName(const JsonFields &fields, const char *key) {
    std::string name = fields.string(key);
    if (name.empty() || name.find('/') != std::string::npos || name[0] == '.')
      fields.refuse(key, "must be a file name in the bundle's folder");
    return name;
  }

  /// Of other PTX it counts as none.
  void cubin(const JsonFields &fields) {
    std::string name = fileName(fields, "file"), hash = fields.string("xxh3");
    if (fields.string("ptx_xxh3") != manifest.ptxHash)
      return;
    manifest.cubin = name;
    manifest.cubinHash = hash;
  }

  static int64_t size(const JsonFields &fields, const char *key, int64_t greatest, int64_t least = 0) {
    int64_t value = fields.integer(key);
    if (value < least || value > greatest)
      fields.refuse(key, std::to_string(value) + " is not between " + std::to_string(least) + " and " +
                             std::to_string(greatest));
    return value;
  }

  static int64_t sizeOr(const JsonFields &fields, const char *key, int64_t otherwise, int64_t greatest,
                        int64_t least = 0) {
    return fields.has(key) ? size(fields, key, greatest, least) : otherwise;
  }

  /// Bytes under the key `fixed`, and bytes a row under the names of extents; absent keys are 0.
  static LinearBytes linear(const JsonFields &fields) {
    LinearBytes bytes;
    bytes.fixed = sizeOr(fields, "fixed", 0, maxBytes);
    for (int i = 0; i < LinearBytes::extents; ++i)
      bytes.perRow[size_t(i)] = sizeOr(fields, scalarNames[size_t(i)].data(), 0, maxBytes);
    return bytes;
  }

  static const nlohmann::json &array(const JsonFields &fields, const char *key) {
    if (!fields.has(key) || !fields.raw()[key].is_array())
      fields.refuse(key, "must be a list");
    return fields.raw()[key];
  }

  template <typename Visit> static void each(const JsonFields &fields, const char *key, Visit visit) {
    size_t index = 0;
    for (const nlohmann::json &item : array(fields, key))
      visit(JsonFields(item, fields.where() + ": " + key + "[" + std::to_string(index++) + "]"));
  }

  static Extent extent(const nlohmann::json &json, const JsonFields &fields, const char *key) {
    if (json.is_number_integer() && json.get<int64_t>() >= 0 && json.get<int64_t>() <= maxBytes)
      return {json.get<int64_t>(), -1};
    if (json.is_string())
      for (int i = 0; i < LinearBytes::extents; ++i) // accumulate is no size
        if (json.get<std::string>() == scalarNames[i])
          return {0, i};
    fields.refuse(key, "must hold sizes or one of rows, counted_rows, kv_rows, not " + json.dump());
  }

  static std::vector<int64_t> integers(const JsonFields &fields, const char *key) {
    std::vector<int64_t> result;
    for (const nlohmann::json &item : array(fields, key)) {
      if (!item.is_number_integer() || item.get<int64_t>() < 0 || item.get<int64_t>() > maxBytes)
        fields.refuse(key, "must hold whole numbers from 0 on, not " + item.dump());
      result.push_back(item.get<int64_t>());
    }
    return result;
  }

  Buffer buffer(const JsonFields &fields) const {
    Buffer buffer;
    buffer.name = fields.string("name");
    std::string role = fields.string("role");
    auto known = std::find(roleNames.begin(), roleNames.end(), role);
    if (known == roleNames.end())
      fields.refuse("role", "unknown role " + role);
    buffer.role = Role(known - roleNames.begin());
    buffer.type = elementType(fields, "dtype");
    for (const nlohmann::json &item : array(fields, "shape"))
      buffer.shape.push_back(extent(item, fields, "shape"));
    if (fields.has("region")) {
      const nlohmann::json &region = fields.raw()["region"];
      buffer.region = region == "chunk_rows" ? chunkRegion : extent(region, fields, "region").scalar;
      if (buffer.region < 0)
        fields.refuse("region", "must be one of rows, counted_rows, kv_rows, chunk_rows");
    }
    buffer.slots = sizeOr(fields, "slots", 1, maxSlots, 1);
    buffer.slotBytes = size(fields, "slot_bytes", maxBytes);
    buffer.offset = size(fields, "offset", maxBytes);
    buffer.packed = fields.optionalBoolean("packed").value_or(false);
    if (auto tensor = fields.optionalString("tensor"))
      buffer.tensors.push_back(whole(*tensor, buffer));
    else if (fields.has("parts"))
      each(fields, "parts", [&](const JsonFields &f) { buffer.tensors.push_back(view(f)); });
    buffer.format = fields.optionalString("format").value_or("");
    buffer.of = int(sizeOr(fields, "of", -1, maxSlots));
    return buffer;
  }

  static ElementType elementType(const JsonFields &fields, const char *key) {
    std::string type = fields.string(key);
    auto *known = std::find(typeNames.begin(), typeNames.end(), type);
    if (known == typeNames.end())
      fields.refuse(key, "must be f32, bf16, i32 or i8, not " + type);
    return ElementType(known - typeNames.begin());
  }

  static LibraryProduct product(const JsonFields &fields) {
    constexpr int64_t most = INT32_MAX; // what a library counts in
    LibraryProduct product;
    JsonFields rows = fields.object("m");
    product.m = extent(rows.raw().value("extent", nlohmann::json()), rows, "extent");
    product.n = size(fields, "n", most, 1);
    product.k = size(fields, "k", most, 1);
    product.type = elementType(fields, "dtype");
    if (product.type != ElementType::F32 && product.type != ElementType::BF16)
      fields.refuse("dtype", "must be f32 or bf16, not " + fields.string("dtype"));
    product.resultType = fields.has("result") ? elementType(fields, "result") : product.type;
    if (product.resultType != product.type && product.resultType != ElementType::F32)
      fields.refuse("result", "must be f32 or the dtype");
    product.isTransposed = fields.optionalBoolean("transposed").value_or(false);
    product.lda = size(fields, "lda", most, product.k);
    product.ldw = size(fields, "ldw", most, product.isTransposed ? product.n : product.k);
    product.ldy = size(fields, "ldy", most, product.n);
    return product;
  }

  static Kernel kernel(const JsonFields &fields) {
    Kernel kernel;
    kernel.name = fields.string("name");
    if (fields.has("library"))
      kernel.library = product(fields.object("library"));
    else
      kernel.symbol = fields.string("symbol");
    kernel.doc = fields.optionalString("doc").value_or("");
    kernel.flopsPerRow = fields.optionalNumber("flops_per_row").value_or(0);
    kernel.flopsPerPair = fields.optionalNumber("flops_per_pair").value_or(0);
    if (fields.has("bytes"))
      kernel.bytes = linear(fields.object("bytes"));
    kernel.schedule = fields.optionalString("schedule").value_or("");
    kernel.threads = sizeOr(fields, "threads", 0, 1024);
    kernel.sharedBytes = sizeOr(fields, "shared_bytes", 0, 1 << 20);
    kernel.scratchBytes = sizeOr(fields, "scratch_bytes", 0, maxBytes);
    if (kernel.library)
      return kernel;
    if (fields.has("tensor_maps"))
      each(fields, "tensor_maps", [&](const JsonFields &f) { kernel.tensorMaps.push_back(tensorMap(f)); });
    each(fields, "grid", [&](const JsonFields &f) {
      kernel.grid.push_back({extent(f.raw().value("extent", nlohmann::json()), f, "extent"),
                             sizeOr(f, "block", 1, maxBytes, 1)});
    });
    return kernel;
  }

  static TensorMap tensorMap(const JsonFields &fields) {
    TensorMap map;
    map.argument = int(size(fields, "argument", INT32_MAX));
    map.buffer = int(size(fields, "buffer", INT32_MAX));
    map.rows = extent(fields.raw().value("rows", nlohmann::json()), fields, "rows");
    map.columns = size(fields, "columns", maxBytes, 1);
    std::vector<int64_t> box = integers(fields, "box");
    if (box.size() != 2)
      fields.refuse("box", "must be two sizes, of rows and of columns");
    map.boxRows = box[0];
    map.boxColumns = box[1];
    map.swizzle = sizeOr(fields, "swizzle", 0, 128);
    return map;
  }

  static Launch launch(const JsonFields &fields) {
    Launch launch;
    launch.kernel = int(size(fields, "launch", INT32_MAX));
    each(fields, "args", [&](const JsonFields &f) {
      constexpr int64_t far = maxSlots;
      launch.arguments.push_back({int(size(f, "buffer", INT32_MAX)), sizeOr(f, "slot", 0, far, -far),
                                  sizeOr(f, "layer", 0, far, -far), sizeOr(f, "plus", 0, far, -far),
                                  f.optionalBoolean("all").value_or(false)});
      if (launch.arguments.back().isAll && (f.has("slot") || f.has("layer") || f.has("plus")))
        f.refuse("all", "must not stand beside slot, layer or plus: all slots begin with the first");
    });
    return launch;
  }

  static Section section(const JsonFields &fields) {
    Section section;
    section.name = fields.string("name");
    each(fields, "commands", [&](const JsonFields &command) {
      CommandLoop loop;
      if (command.has("chunks")) {
        if (command.string("chunks") != "counted_rows")
          command.refuse("chunks", "must be counted_rows");
        loop.inChunks = true;
        each(command, "body", [&](const JsonFields &f) { loop.body.push_back(launch(f)); });
      } else if (!command.has("layers")) {
        loop.body.push_back(launch(command));
      } else {
        JsonFields layers = command.object("layers");
        loop.from = size(layers, "from", maxSlots);
        loop.to = size(layers, "to", maxSlots);
        loop.step = size(layers, "step", maxSlots, -maxSlots);
        if (loop.step == 0)
          layers.refuse("step", "must not be 0");
        each(command, "body", [&](const JsonFields &f) { loop.body.push_back(launch(f)); });
      }
      section.commands.push_back(std::move(loop));
    });
    return section;
  }

  /// A tensor that is all of a slot.
  static ParameterView whole(const std::string &name, const Buffer &buffer) {
    ParameterView view;
    view.name = name;
    view.shape = buffer.staticShape();
    view.strides.assign(view.shape.size(), 1);
    for (size_t i = view.shape.size(); i-- > 1;)
      if (__builtin_mul_overflow(view.strides[i], view.shape[i], &view.strides[i - 1]))
        view.strides[i - 1] = INT64_MAX; // the buffer's own size is refused later
    return view;
  }

  static ParameterView view(const JsonFields &fields) {
    ParameterView view;
    view.name = fields.string("name");
    view.offset = sizeOr(fields, "offset", 0, maxBytes);
    view.shape = integers(fields, "shape");
    view.strides = integers(fields, "strides");
    return view;
  }

  static ParameterView parameter(const JsonFields &fields) {
    ParameterView parameter = view(fields);
    parameter.buffer = int(size(fields, "buffer", INT32_MAX));
    return parameter;
  }

  JsonFields root;
  Manifest manifest;
};

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace

std::string_view roleName(Role role) { return roleNames[size_t(role)]; }

bool Buffer::isStatic() const {
  return std::all_of(shape.begin(), shape.end(), [](const Extent &extent) { return extent.isStatic(); });
}

int64_t Buffer::elements(const Scalars &capacity) const {
  int64_t count = 1;
  for (const Extent &extent : shape)
    if (__builtin_mul_overflow(count, extent.at(capacity), &count))
      return INT64_MAX;
  return count;
}

std::vector<int64_t> Buffer::staticShape() const {
  std::vector<int64_t> sizes;
  for (const Extent &extent : shape)
    sizes.push_back(extent.size);
  return sizes;
}

int64_t Kernel::blocks(const Scalars &scalars) const {
  int64_t count = 1;
  for (const GridDimension &dimension : grid)
    count *= ceilDivide(dimension.extent.at(scalars), dimension.block);
  return count;
}

std::vector<int64_t> CommandLoop::layers() const {
  std::vector<int64_t> result;
  for (int64_t l = from; step > 0 ? l < to : l >= to; l += step)
    result.push_back(l);
  return result;
}

Manifest Manifest::parse(const nlohmann::json &json, const std::string &where) {
  return Parser(json, where).parse();
}

Manifest Manifest::read(const std::filesystem::path &path) {
  return parse(readJsonFile(path), path.string());
}

int Manifest::find(std::string_view name, Role role) const {
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].role == role && buffers[i].name == name)
      return int(i);
  return -1;
}

const Section *Manifest::findSection(std::string_view name) const {
  for (const Section &section : sections)
    if (section.name == name)
      return &section;
  return nullptr;
}

std::string layerName(const std::string &pattern, int64_t layer) {
  static constexpr std::string_view mark = "{layer}";
  size_t at = pattern.find(mark);
  if (at == std::string::npos)
    return pattern;
  return pattern.substr(0, at) + std::to_string(layer) + pattern.substr(at + mark.size());
}

} // namespace mlora
